/** What a hub tells those who listen to it. A listener that throws is itself an `error`, and keeps nobody else from anything. */

import type { BusMessage, HubUser } from "../bus/bus.js";
import type { SlowPolicy } from "../delivery/lane.js";
import type { GapReason } from "../protocol/frames.js";

/** A connection of this hub. */
export interface ConnectionEvent<User extends HubUser = HubUser> {
  /** The connection's own id. */
  readonly connection: string;
  readonly user: User | undefined;
}

/** A connection in a room. */
export interface MemberEvent<User extends HubUser = HubUser> extends ConnectionEvent<User> {
  readonly room: string;
}

/** A message as rooms give it out. */
export interface PushMessage extends Omit<BusMessage, "data"> {
  readonly room: string;
  /** What was published, from its JSON: parsed when it is first asked for. */
  readonly data: unknown;
}

/** The events of a hub, by name. */
export interface HubEvents<User extends HubUser = HubUser> {
  /** A connection was made. */
  connect: ConnectionEvent<User>;
  /** A connection is over. */
  disconnect: ConnectionEvent<User>;
  /** A connection of this hub has joined a room. */
  join: MemberEvent<User>;
  /** A connection of this hub is in a room no more. */
  leave: MemberEvent<User>;
  /** A message was given out in a room that has members here, wherever it was published. */
  message: PushMessage;
  /** Members miss messages: one, or without `connection` all that are in the room here. `missed`: how many, if that is known. */
  gap: {
    readonly room: string;
    readonly reason: GapReason;
    readonly missed: number | undefined;
    readonly connection?: string;
  };
  /** A connection does not take messages as fast as they come; what was done about it. */
  slow: ConnectionEvent<User> & {
    readonly room: string | undefined;
    readonly policy: SlowPolicy;
    readonly queuedBytes: number;
  };
  /** Something failed that nobody waits for, or that its client was told nothing of: the bus, `authorize`, a listener. */
  error: { readonly error: unknown; readonly room?: string | undefined };
}

/** Is told of events of one kind. */
export type HubListener<Event> = (event: Event) => void;

/** Takes a listener away again. */
export type StopListening = () => void;

/** Listeners by the name of what they listen to. */
export class HubEmitter<User extends HubUser> {
  readonly #listeners = new Map<keyof HubEvents, Set<HubListener<never>>>();

  on<Name extends keyof HubEvents>(name: Name, listener: HubListener<HubEvents<User>[Name]>): StopListening {
    const listeners = this.#listeners.get(name) ?? new Set();
    this.#listeners.set(name, listeners);
    listeners.add(listener);
    return () => {
      listeners.delete(listener);
    };
  }

  /** Whether it is worth making an event. */
  has(name: keyof HubEvents): boolean {
    return (this.#listeners.get(name)?.size ?? 0) > 0;
  }

  emit<Name extends keyof HubEvents>(name: Name, event: HubEvents<User>[Name]): void {
    const listeners = this.#listeners.get(name);
    if (listeners === undefined) return;
    for (const listener of listeners as Set<HubListener<HubEvents<User>[Name]>>) {
      try {
        listener(event);
      } catch (error) {
        this.#onListenerError(name, error);
      }
    }
  }

  /** An error that nobody waits for. Without a listener it is a warning of the process: a push service does not end over one client. */
  fail(error: unknown, room?: string): void {
    if (this.has("error")) this.emit("error", { error, room });
    else warn(error);
  }

  #onListenerError(name: keyof HubEvents, error: unknown): void {
    if (name === "error") warn(error);
    else this.fail(error);
  }
}

function warn(error: unknown): void {
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  process.emitWarning(`A hub without a listener for errors: ${text}`, { type: "SluiceWarning", code: "push/error" });
}

/** The event of a message; its data is parsed if somebody wants it. */
export function messageEvent(room: string, { data: text, ...rest }: BusMessage): PushMessage {
  let parsed: { readonly value: unknown } | undefined;
  return {
    room,
    ...rest,
    get data(): unknown {
      parsed ??= { value: JSON.parse(text) };
      return parsed.value;
    },
  };
}
