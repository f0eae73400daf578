/** What `sluice sse` was asked to be, resolved. */
import type { SendingSettings } from "../sending/settings.js";

/** See {@link "./define-sse.js"} for what each option means to people. */
export interface SseSettings {
  readonly url: string;
  readonly sending: SendingSettings;
  /** Added to the URL's own query. */
  readonly params: readonly (readonly [name: string, value: string])[];
  /** Types of events that are shown; undefined for all. */
  readonly types: ReadonlySet<string> | undefined;
  /** Events that are shown before the end; Infinity for no end. */
  readonly count: number;
  readonly lastEventId: string;
  /** Whether it goes on where a connection ends. */
  readonly reconnects: boolean;
  /** Milliseconds without a byte after which a connection is taken for dead. */
  readonly idleTimeout: number;
}
