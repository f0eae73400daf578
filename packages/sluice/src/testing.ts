/** `sluice/testing`: answers and connections without a network, time without waiting, for users' tests. */

export type { Clock } from "./concurrency/clock.js";
export type { Deadline } from "./concurrency/deadline.js";
export { ManualClock, type ManualClockOptions } from "./concurrency/manual-clock.js";
export { type MemoryPairOptions, type MemoryTransport, memoryPair } from "./net/memory.js";
export { ScriptedTransport, type ScriptedTransportOptions, type ScriptStep } from "./net/scripted.js";
export type { PeerInfo, TlsInfo, Transport, TransportHandler } from "./net/transport.js";
export type { Random } from "./platform/random.js";
export { MockConnector, type MockConnectorOptions } from "./testing/mock/mock-connector.js";
export type {
  MockBreak,
  MockFault,
  MockReply,
  MockReplyFunction,
  MockReplyOptions,
} from "./testing/mock/mock-reply.js";
export type { MockRequest } from "./testing/mock/mock-request.js";
export type { MockRoute } from "./testing/mock/mock-route.js";
export type { MockConversation, MockSocketOptions } from "./testing/mock/mock-socket.js";
export type { MockField, MockMatch, MockUrl } from "./testing/mock/request-matcher.js";
export type { TestError } from "./testing/server/exchange-watch.js";
export { type TestClient, type TestClientOptions, testClient } from "./testing/server/test-client.js";
export {
  TestServer,
  type TestServerClientOptions,
  type TestServerOptions,
} from "./testing/server/test-server.js";
export type { TestTarget, WatchOptions } from "./testing/server/watched-server.js";
export type { SimulatedEvent, SimulatedEventKind } from "./testing/simulation/event-log.js";
export type { NetworkConditions, ResolvedConditions, SimulatedRange } from "./testing/simulation/network-conditions.js";
export type { SimulatedClock } from "./testing/simulation/simulated-clock.js";
export { SimulatedNetwork, type SimulatedNetworkOptions } from "./testing/simulation/simulated-network.js";
