/** `sluice/push`: rooms, presence, history and recovery over WebSocket and Server-Sent Events. */

export { ConnectionLostError, isSluiceError, SluiceError, UsageError } from "./errors.js";
export type {
  Bus,
  BusListener,
  BusMessage,
  BusSubscription,
  HistoryPage,
  HistoryQuery,
  HubUser,
  NewMessage,
  PresenceChange,
  PresenceEntry,
  PresenceSnapshot,
  PresentUser,
  Published,
  Retention,
} from "./push/bus/bus.js";
export { MemoryBus, type MemoryBusOptions } from "./push/bus/memory-bus.js";
export type { ClientScriptOptions } from "./push/client-script.js";
export type { SlowPolicy } from "./push/delivery/lane.js";
export type { PushSocket } from "./push/delivery/socket-subscriber.js";
export type { EndCode, Subscriber, SubscriberOwner } from "./push/delivery/subscriber.js";
export {
  type CloseOptions,
  Hub,
  type HubStats,
  type PublishOptions,
  type ReadHistoryOptions,
  type RoomHistoryPage,
} from "./push/hub/hub.js";
export type {
  ConnectionEvent,
  HubEvents,
  HubListener,
  MemberEvent,
  PushMessage,
  StopListening,
} from "./push/hub/hub-events.js";
export type {
  Authorize,
  HistoryOptions,
  HubLimits,
  HubOptions,
  PresenceOptions,
  Renew,
  RoomAction,
  RoomOptions,
} from "./push/hub/hub-options.js";
export type { HubPort, JoinRequest } from "./push/hub/hub-port.js";
export type { HubTally } from "./push/hub/hub-tally.js";
export type { ServeOptions } from "./push/hub/serve-options.js";
export { type GapReason, PUSH_PROTOCOL } from "./push/protocol/frames.js";
export type { Position } from "./push/protocol/position.js";
export type { FramePlace, WireFrame } from "./push/protocol/wire-frame.js";
export type { EventsRequest, FrameRequest } from "./push/serve-events.js";
