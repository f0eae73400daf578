/**
 * What load balancers and supervisors ask: whether the process lives, which it does when it answers, and whether it is to be sent
 * requests, which it is not from the moment that `close` is called, nor while a check fails.
 */

import { UsageError } from "../../errors.js";
import { refuseUnknown, requireFunction, requireNumber, requireObject } from "../../options.js";
import type { Reply } from "../reply.js";
import { reply } from "../reply-kinds.js";
import { type CheckOutcome, Readiness, type ReadinessCheck, type ReadinessSettings } from "./readiness.js";

/** Options of `app.health`. */
export interface HealthOptions {
  /** Path of the route that answers 200 as long as the process answers at all; false for none. @default "/livez" */
  readonly live?: string | false;
  /** Path of the route that answers 200 while requests are welcome, otherwise 503; false for none. @default "/readyz" */
  readonly ready?: string | false;
  /** What has to work for the application to be ready, by names that the answer shows. @default none */
  readonly checks?: Readonly<Record<string, ReadinessCheck>>;
  /** Longest time for a check, in milliseconds from 1. @default 5_000 */
  readonly checkTimeout?: number;
  /** How long, in milliseconds from 0, the outcome of a check is good for further questions. @default 1_000 */
  readonly maxAge?: number;
}

/** What health routes need of their application. */
export interface HealthHost extends Pick<ReadinessSettings, "clock"> {
  /** Whether a server of the application has been told to close. */
  isEnding(): boolean;
  onError(error: unknown): void;
}

/** A route to register: path and handler. */
export type HealthRoute = readonly [path: string, handler: () => Reply | Promise<Reply>];

const OPTION_NAMES: ReadonlySet<string> = new Set(["live", "ready", "checks", "checkTimeout", "maxAge"]);
const MAX_MS = 2 ** 31 - 1;
/** Yesterday's health is of no use. */
const HEADERS = { "Cache-Control": "no-store" } as const;

/** The routes that `options` ask for. Throws `UsageError` `options/…`. */
export function healthRoutes(options: HealthOptions, host: HealthHost): HealthRoute[] {
  requireObject("health options", options);
  refuseUnknown("health", options, OPTION_NAMES);
  const { live = "/livez", ready = "/readyz", checks = {}, checkTimeout = 5_000, maxAge = 1_000 } = options;
  requireObject("checks", checks);
  requireNumber("checkTimeout", checkTimeout, 1, MAX_MS);
  requireNumber("maxAge", maxAge, 0, MAX_MS);
  const { clock } = host;
  const onFailure = (error: unknown): void => host.onError(error);
  const settings: ReadinessSettings = { clock, timeoutMs: checkTimeout, maxAgeMs: maxAge, onFailure };
  const all = Object.entries(checks).map(([name, check]): NamedReadiness => {
    requireFunction(`check "${name}"`, check);
    return [name, new Readiness(name, check, settings)];
  });
  if (ready === false && all.length > 0) {
    throw new UsageError(
      "options/unknown-value",
      "Cannot check readiness: `ready: false` leaves no route that says it",
    );
  }
  const routes: HealthRoute[] = [];
  if (live !== false) routes.push([live, () => reply.json({ status: "alive" }, { headers: HEADERS })]);
  if (ready !== false) routes.push([ready, () => answerReadiness(all, host)]);
  return routes;
}

type NamedReadiness = readonly [name: string, readiness: Readiness];

async function answerReadiness(all: readonly NamedReadiness[], host: HealthHost): Promise<Reply> {
  if (host.isEnding()) return unready({ status: "ending" });
  const outcomes = await Promise.all(
    all.map(async ([name, readiness]): Promise<readonly [string, CheckOutcome]> => [name, await readiness.outcome()]),
  );
  const checks = Object.fromEntries(outcomes);
  if (host.isEnding()) return unready({ status: "ending" }); // while checks ran
  if (outcomes.some(([, outcome]) => outcome !== "ok")) return unready({ status: "unready", checks });
  return reply.json({ status: "ready", checks }, { headers: HEADERS });
}

function unready(why: object): Reply {
  return reply.json(why, { status: 503, headers: HEADERS });
}
