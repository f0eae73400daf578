/** The options of a hub: what they may be, and what they become. */

import { type Clock, systemClock } from "../../concurrency/clock.js";
import { UsageError } from "../../errors.js";
import { refuseUnknown, requireFunction, requireNumber, requireObject } from "../../options.js";
import { systemRandom } from "../../platform/random.js";
import type { Bus, HubUser, Retention } from "../bus/bus.js";
import { MemoryBus } from "../bus/memory-bus.js";
import type { SlowPolicy, SlowSettings } from "../delivery/lane.js";

/** What a user wants to do in a room. Who may join may also read its history and who is there. */
export type RoomAction = "join" | "publish";

/** Says whether a user (undefined: nobody in particular) may do something in a room. What it throws is a refusal. */
export type Authorize<User extends HubUser> = (
  user: User | undefined,
  room: string,
  action: RoomAction,
) => boolean | Promise<boolean>;

/** Checks a new token of a user who stays: until when it is good (milliseconds since the Unix epoch, `Infinity`: for good), or false. */
export type Renew<User extends HubUser> = (
  user: User | undefined,
  token: string,
) => number | false | Promise<number | false>;

/** What a room remembers; whatever is reached first. 0 of any: nothing. */
export interface HistoryOptions {
  /** Messages, from 0. @default 100 */
  readonly count?: number;
  /** Age in milliseconds, from 0. @default 300_000 (5 minutes) */
  readonly maxAge?: number;
  /** Bytes of their data, from 0. @default 1_048_576 (1 MiB) */
  readonly maxBytes?: number;
}

/** How presence is kept. Times are milliseconds. */
export interface PresenceOptions {
  /** How long a connection counts as present after its hub was last heard of; renewed three times as often. From 1. @default 60_000 */
  readonly lease?: number;
  /** How long a user whose last connection broke is not yet said to have left. From 0. @default 2_000 */
  readonly linger?: number;
}

/** What a room does its own way; everything else is as the hub says. */
export interface RoomOptions {
  /** A number is a count. */
  readonly history?: number | HistoryOptions;
  /** False: nobody is counted, and `presence` is empty. @default true */
  readonly presence?: boolean;
  /**
   * What becomes of messages for a connection that does not take them as fast as they come. `disconnect`: it is closed with 4008, comes back and
   * recovers. `drop-oldest`, `drop-new`: it is told of the gap. `latest`: of those that wait, the newest of each key remains, and nothing is
   * said of the others.
   *
   * @default "disconnect"
   */
  readonly slow?: SlowPolicy;
  /** Bytes that may wait for one connection when a message of this room comes. From 1. @default the hub's `limits.maxQueuedBytes` */
  readonly maxQueuedBytes?: number;
}

/** What a hub bears of one connection. `Infinity`: no limit. */
export interface HubLimits {
  /** Longest frame of a client, in bytes. Beyond it: `too-large`. From 1. @default 65_536 */
  readonly maxMessageSize?: number;
  /** Rooms joined at a time. Beyond it: `too-many-rooms`. From 1. @default 128 */
  readonly maxRooms?: number;
  /** Frames a second, on average; twice as many at once. Beyond it: `too-fast`, and 4029 for who goes on. Above 0. @default 50 */
  readonly framesPerSecond?: number;
  /** Bytes that may wait for one connection. Beyond it: what the room's `slow` says; for other frames than messages, 4008. From 1. @default 1_048_576 */
  readonly maxQueuedBytes?: number;
  /** Connections of this hub. Beyond it: 1013, or 503. From 1. @default Infinity */
  readonly maxConnections?: number;
  /** Messages that one `history` frame brings, and with which a join may begin. From 1. @default 100 */
  readonly maxHistoryPage?: number;
  /** Users that a snapshot of presence names; the counts are whole. From 0. @default 1_000 */
  readonly maxPresentUsers?: number;
}

/** How a hub is made. Times are milliseconds. */
export interface HubOptions<User extends HubUser = HubUser> {
  /**
   * Asked for every join and every message from a client. Without it, clients may join the rooms that `serve` and `sse` name, no others, and publish
   * nothing.
   */
  readonly authorize?: Authorize<User> | undefined;
  /** Asked with the token of a `renew` frame. @default none can be renewed */
  readonly renew?: Renew<User> | undefined;
  /** What rooms remember; a number is a count. @default 100 messages, 5 minutes, 1 MiB */
  readonly history?: number | HistoryOptions;
  /** See `RoomOptions.slow`. @default "disconnect" */
  readonly slow?: SlowPolicy;
  /** @default a lease of 60 s, and 2 s to come back */
  readonly presence?: PresenceOptions;
  /** Asked once for each room while it has members: what it does its own way. */
  readonly rooms?: (room: string) => RoomOptions | undefined;
  /** What connects this hub with others. @default a `MemoryBus` of its own, closed with it */
  readonly bus?: Bus;
  /** How often a connection hears something. From 1; `Infinity`: never. @default 25_000 */
  readonly heartbeat?: number;
  readonly limits?: HubLimits;
  /** @default the system's */
  readonly clock?: Clock;
  /** Gives a number from 0 up to 1, to spread what should not happen all at once. @default the system's */
  readonly random?: () => number;
}

/** What holds for one room. */
export interface RoomSettings {
  readonly retention: Retention;
  readonly presence: boolean;
  readonly slow: SlowSettings;
}

/** What holds for the hub. */
export interface HubSettings<User extends HubUser> {
  readonly authorize: Authorize<User> | undefined;
  readonly renew: Renew<User> | undefined;
  readonly bus: Bus;
  /** The bus was made here, and is closed with the hub. */
  readonly ownsBus: boolean;
  readonly leaseMs: number;
  readonly lingerMs: number;
  readonly heartbeatMs: number;
  readonly limits: Required<HubLimits>;
  readonly clock: Clock;
  readonly random: () => number;
  /** What holds for the room of this name. Throws `UsageError` `options/…` for what the option `rooms` gave. */
  settingsOf(room: string): RoomSettings;
}

const NEVER = Number.POSITIVE_INFINITY;
const LIMITS: Required<HubLimits> = {
  maxMessageSize: 64 * 1024,
  maxRooms: 128,
  framesPerSecond: 50,
  maxQueuedBytes: 1024 * 1024,
  maxConnections: NEVER,
  maxHistoryPage: 100,
  maxPresentUsers: 1_000,
};
const LIMIT_NAMES = Object.keys(LIMITS) as (keyof HubLimits)[];
const HISTORY: Required<HistoryOptions> = { count: 100, maxAge: 300_000, maxBytes: 1024 * 1024 };
const PRESENCE: Required<PresenceOptions> = { lease: 60_000, linger: 2_000 };
const POLICIES: ReadonlySet<unknown> = new Set<SlowPolicy>(["disconnect", "drop-oldest", "drop-new", "latest"]);
const HUB_NAMES: ReadonlySet<string> = new Set<keyof HubOptions>([
  "authorize",
  "renew",
  "history",
  "slow",
  "presence",
  "rooms",
  "bus",
  "heartbeat",
  "limits",
  "clock",
  "random",
]);
const ROOM_NAMES: ReadonlySet<string> = new Set<keyof RoomOptions>(["history", "presence", "slow", "maxQueuedBytes"]);

/** Throws `UsageError` `options/…`. */
export function resolveHubOptions<User extends HubUser>(given: HubOptions<User> = {}): HubSettings<User> {
  refuseUnknown("hub", given, HUB_NAMES);
  const { authorize, renew, bus, heartbeat = 25_000, clock = systemClock, random = systemRandom } = given;
  if (authorize !== undefined) requireFunction("authorize", authorize);
  if (renew !== undefined) requireFunction("renew", renew);
  requireNumber("heartbeat", heartbeat, 1, NEVER);
  const { lease, linger } = withDefaults("presence", given.presence, PRESENCE);
  requireNumber("presence.lease", lease, 1, NEVER);
  requireNumber("presence.linger", linger, 0, NEVER);
  const limits = resolveLimits(given.limits);
  return {
    authorize,
    renew,
    bus: bus ?? new MemoryBus({ clock }),
    ownsBus: bus === undefined,
    leaseMs: lease,
    lingerMs: linger,
    heartbeatMs: heartbeat,
    limits,
    clock,
    random,
    settingsOf: roomResolver(given, limits.maxQueuedBytes),
  };
}

function roomResolver(
  { rooms, history, slow = "disconnect" }: Pick<HubOptions, "rooms" | "history" | "slow">,
  maxQueuedBytes: number,
): (room: string) => RoomSettings {
  if (rooms !== undefined) requireFunction("rooms", rooms);
  requirePolicy(slow);
  const retention = resolveHistory(history);
  const usual: RoomSettings = { retention, presence: true, slow: { policy: slow, maxQueuedBytes } };
  return (room) => {
    const own = rooms?.(room);
    if (own === undefined) return usual;
    requireObject("the room's options", own);
    refuseUnknown("room", own, ROOM_NAMES);
    const { slow: policy = slow, maxQueuedBytes: most = maxQueuedBytes, presence = true } = own;
    requirePolicy(policy);
    requireNumber("maxQueuedBytes", most, 1, NEVER);
    return {
      retention: own.history === undefined ? retention : resolveHistory(own.history),
      presence,
      slow: { policy, maxQueuedBytes: most },
    };
  };
}

function resolveLimits(given: HubLimits = {}): Required<HubLimits> {
  const limits = withDefaults("hub limits", given, LIMITS);
  for (const name of LIMIT_NAMES) {
    const least = name === "framesPerSecond" ? Number.MIN_VALUE : name === "maxPresentUsers" ? 0 : 1;
    requireNumber(`limits.${name}`, limits[name], least, NEVER);
  }
  return limits;
}

function resolveHistory(given: number | HistoryOptions = {}): Retention {
  const { count, maxAge, maxBytes } = withDefaults(
    "history",
    typeof given === "number" ? { count: given } : given,
    HISTORY,
  );
  requireNumber("history.count", count, 0, NEVER);
  requireNumber("history.maxAge", maxAge, 0, NEVER);
  requireNumber("history.maxBytes", maxBytes, 0, NEVER);
  return { count, ageMs: maxAge, bytes: maxBytes };
}

function requirePolicy(policy: SlowPolicy): void {
  if (POLICIES.has(policy)) return;
  const message = `Cannot use slow: expected ${[...POLICIES].join(", ")}, received ${String(policy)}`;
  throw new UsageError("options/unknown-value", message);
}

function withDefaults<Options extends object>(
  what: string,
  given: Options | undefined,
  defaults: Required<Options>,
): Required<Options> {
  if (given === undefined) return defaults;
  requireObject(what, given);
  refuseUnknown(what, given, new Set(Object.keys(defaults)));
  const defined = Object.entries(given).filter(([, value]) => value !== undefined);
  return { ...defaults, ...Object.fromEntries(defined) };
}
