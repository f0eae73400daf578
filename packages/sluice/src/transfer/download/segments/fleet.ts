/** What the segments of one version of a file know of each other, and tell. */

import type { ConditionForm, RemoteVersion } from "../answers/remote-version.js";
import type { DownloadContext } from "../download-context.js";
import type { RestartReason } from "../download-events.js";
import type { UsableAnswer } from "../probe.js";
import type { PartStore } from "../store/part-store.js";
import type { Claim, WorkPlan } from "./work-plan.js";

/** Why everything begins anew, and the answer to begin with if there is one already. */
export interface Restart {
  readonly reason: RestartReason;
  readonly detail: string;
  /** From now on without ranges. */
  readonly plain: boolean;
  readonly answer?: UsableAnswer;
}

/** What the segments of one version share. */
export interface Fleet {
  readonly context: DownloadContext;
  readonly plan: WorkPlan;
  readonly store: PartStore;
  readonly version: RemoteVersion;
  /** How the server is told which version the bytes must be of. All segments learn from what one is answered. */
  condition: ConditionForm;
  /** Whether what is missing can be asked for at all. */
  readonly resumable: boolean;
  /** Aborts when it is over. */
  readonly signal: AbortSignal;
  /** Whether others are fetching. */
  hasOthers(claim: Claim): boolean;
  /** No more segments than those that go on when this one has left. */
  shrink(error: unknown): void;
  /** How long the file is has become known. */
  setSize(size: number): void;
  /** An answer ended with its connection and had no length. */
  noteUnknownEnd(): void;
  /** Everything begins anew. False if it is over already; else the answer, if there is one, is not the segment's any more. */
  restart(restart: Restart): boolean;
}
