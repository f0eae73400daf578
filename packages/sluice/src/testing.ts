/** `sluice/testing`: connections without a network and time without waiting, for users' tests. */

export type { Clock } from "./concurrency/clock.js";
export type { Deadline } from "./concurrency/deadline.js";
export { ManualClock, type ManualClockOptions } from "./concurrency/manual-clock.js";
export { type MemoryPairOptions, memoryPair } from "./net/memory.js";
export { ScriptedTransport, type ScriptedTransportOptions, type ScriptStep } from "./net/scripted.js";
export type { PeerInfo, TlsInfo, Transport, TransportHandler } from "./net/transport.js";
