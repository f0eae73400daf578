/** What a request that is passed on for somebody else asks of the session beside method, URL and signals: see `sluice/proxy`. */
import type { Payload } from "../body/payload.js";
import type { FieldLines } from "../http1/sinks.js";
import type { UpgradeMaker } from "../wire/link-exchange.js";
import { mergeTimeouts } from "./option-values.js";
import type { OmittableHeader, TimeoutOptions } from "./options.js";
import type { RequestSettings } from "./request.js";
import type { RequestUrl } from "./request-url.js";

/** Told of an interim answer (RFC 9110 §15.2), 100 included. */
export type InformationalListener = (status: number, fields: FieldLines) => void;

/**
 * A request that is sent as it stands: no cookies of the session's, no redirect followed, nothing asked for that its author did
 * not ask for, no body decoded.
 */
export interface ForwardAsk {
  /** Where it goes, its path and query in the author's own spelling. */
  readonly target: RequestUrl;
  /** In place of the session's of the same name; without those of framing and connection. */
  readonly fields: FieldLines;
  readonly payload: Payload | undefined;
  /** As `RequestSettings.expectContinue`. */
  readonly expectContinue: number;
  /** Over the session's, field by field. */
  readonly timeout: number | TimeoutOptions | undefined;
  readonly onInformational: InformationalListener | undefined;
  /** Asks for another protocol with each send; a 101 that answers it leaves its connection to the response's source. */
  readonly upgrade?: UpgradeMaker | undefined;
}

/** Fields that are not added: that they are not there says something about the author. */
const NOT_ADDED: ReadonlySet<string> = new Set<OmittableHeader>(["accept", "accept-encoding", "user-agent"]);

/** The session's settings, as far as they are for a request that somebody else has made. Throws `UsageError` for a bad time-out. */
export function forwardSettings(session: RequestSettings, forward: ForwardAsk): RequestSettings {
  const { timeout, expectContinue, onInformational, upgrade } = forward;
  return {
    ...session,
    timeouts: mergeTimeouts(session.timeouts, timeout),
    decompress: false,
    redirect: "manual",
    omitted: NOT_ADDED,
    // One client's cookies are not for another.
    jar: undefined,
    expectContinue,
    onInformational,
    upgrade,
  };
}
