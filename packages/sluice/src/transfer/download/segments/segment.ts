/**
 * One segment: fetches its claim over one connection after another, until the claim is done or there is a reason to leave it to others.
 * What an answer means is decided in `answers/`; here it is acted on. Two things end more than the segment and are told to the fleet: the
 * file is another one, or ranges cannot be relied on.
 */

import { PayloadError } from "../../../errors.js";
import { SpeedMeter } from "../../speed-meter.js";
import { judgeAnswer, type Verdict } from "../answers/answer-rules.js";
import {
  type ConditionForm,
  compareVersions,
  describeChange,
  ifRangeValue,
  nextCondition,
} from "../answers/remote-version.js";
import { isPassing, Patience } from "../patience.js";
import type { UsableAnswer } from "../probe.js";
import type { OpenAnswer } from "../source.js";
import type { Fleet } from "./fleet.js";
import { readInto } from "./read-into.js";
import { SegmentSink, type SinkEnd, type SinkPlace } from "./segment-sink.js";
import type { Claim } from "./work-plan.js";

/** `leave`: the segment is of no more use. `again`: ask anew. */
type Next = "leave" | "again";

/** See the head of this file. */
export class Segment {
  readonly claim: Claim;
  readonly meter: SpeedMeter;
  /** When its first byte came. */
  movingSince = Number.POSITIVE_INFINITY;
  readonly #fleet: Fleet;
  readonly #patience: Patience;
  #sink: SegmentSink | undefined;
  #open: OpenAnswer | undefined;
  #renewed = false;
  #handedOn = false;
  #complete = false;

  constructor(fleet: Fleet, claim: Claim) {
    this.#fleet = fleet;
    this.claim = claim;
    this.meter = new SpeedMeter(fleet.context.clock.now());
    this.#patience = new Patience(fleet.context);
  }

  /** Fetches its claim, beginning with `first` if that is there. Rejects with what nobody can go on after: the disk's errors above all. */
  async run(first: UsableAnswer | undefined): Promise<void> {
    let answer = first;
    while (!this.#fleet.signal.aborted && this.#wantsMore()) {
      if (answer === undefined) {
        const asked = await this.#ask();
        if (asked === "leave") return;
        if (asked === "again") continue;
        answer = asked;
      }
      const next = await this.#take(answer);
      answer = undefined;
      if (next === "leave") return;
    }
  }

  /** All that has come is written when this resolves. */
  async flush(): Promise<void> {
    await this.#sink?.flush();
  }

  /** Its connection is too slow: it asks anew for what is missing, on another one. */
  reconnect(): void {
    this.#sink?.stop("limit");
  }

  /** Ends what it is at. */
  abort(reason: unknown): void {
    this.#open?.controller.abort(reason);
  }

  #wantsMore(): boolean {
    return !this.#complete && this.claim.position < this.claim.end;
  }

  // ── asking ─────────────────────────────────────────────────────────────────────────────────────────────────────────

  async #ask(): Promise<UsableAnswer | Next> {
    const { context, version, condition, signal } = this.#fleet;
    const first = this.claim.position;
    const end = Number.isFinite(this.claim.end) ? this.claim.end : undefined;
    const fields = ["range", `bytes=${first}-${end === undefined ? "" : end - 1}`];
    const ifRange = ifRangeValue(condition, version);
    if (ifRange !== undefined) fields.push("if-range", ifRange);
    try {
      const open = await context.source.ask(fields, signal, first);
      const verdict = judgeAnswer(open.response, { first, end });
      const obeyed = await this.#obey(open, verdict, condition);
      if (typeof obeyed === "string" && !this.#handedOn) open.response.discard();
      return obeyed;
    } catch (error) {
      return await this.#fail(error);
    }
  }

  async #obey(open: OpenAnswer, verdict: Verdict, condition: ConditionForm): Promise<UsableAnswer | Next> {
    switch (verdict.kind) {
      case "part":
        return this.#obeyPart({ ...open, verdict });
      case "whole":
        return this.#obeyWhole({ ...open, verdict }, condition);
      case "beyond":
        return this.#obeyBeyond(verdict);
      case "condition":
        return this.#changed(`the server answered ${open.response.status} to the condition`);
      case "refused":
        return this.#noRanges(`the answer ${verdict.why}`);
      case "later":
        return await this.#later(open);
      case "expired":
        return await this.#expired(open);
      case "failed":
        return await this.#dead(await open.response.toError());
    }
  }

  #obeyPart(answer: UsableAnswer): UsableAnswer | Next {
    const fleet = this.#fleet;
    const { version } = answer.verdict;
    const comparison = compareVersions(fleet.version, version, fleet.context.options.trustSize);
    if (comparison === "changed") return this.#changed(describeChange(fleet.version, version));
    if (comparison === "unknown") return this.#noRanges("the answer has nothing that shows of which version it is");
    if (version.size !== undefined) fleet.setSize(version.size);
    return answer;
  }

  /** The whole file instead of a part: it has changed, or the server does not do what it was asked (RFC 9110 §13.1.5). */
  #obeyWhole(answer: UsableAnswer, condition: ConditionForm): Next {
    const fleet = this.#fleet;
    if (answer.verdict.kind !== "whole") return "again";
    const { version, noRanges } = answer.verdict;
    const comparison = compareVersions(fleet.version, version, fleet.context.options.trustSize);
    if (comparison !== "same") {
      const detail =
        comparison === "changed" ? describeChange(fleet.version, version) : "the server sent all of it anew";
      this.#handedOn = fleet.restart({ reason: "changed", detail, plain: false, answer });
      return "leave";
    }
    // Another segment may have learned the same in the meantime.
    if (fleet.condition !== condition) return "again";
    const next = noRanges ? undefined : nextCondition(condition, fleet.version);
    if (next !== undefined) {
      fleet.condition = next;
      return "again";
    }
    if (fleet.hasOthers(this.claim)) {
      fleet.shrink(undefined);
      return "leave";
    }
    this.#handedOn = fleet.restart({
      reason: "ranges",
      detail: "the server gives all or nothing",
      plain: true,
      answer,
    });
    return "leave";
  }

  #obeyBeyond({ size, version }: Extract<Verdict, { kind: "beyond" }>): Next {
    const fleet = this.#fleet;
    const { position } = this.claim;
    if (compareVersions(fleet.version, version, true) === "changed") {
      return this.#changed(describeChange(fleet.version, version));
    }
    if (fleet.version.size !== undefined)
      return this.#noRanges(`the server says that nothing lies at byte ${position}`);
    if (size !== undefined && size !== position) return this.#changed(`it has ${size} bytes, and ${position} are here`);
    fleet.setSize(position);
    return "again";
  }

  async #later(open: OpenAnswer): Promise<Next> {
    const fleet = this.#fleet;
    // So many connections are too many, and others go on.
    if (fleet.hasOthers(this.claim)) {
      fleet.shrink(undefined);
      return "leave";
    }
    await this.#patience.afterAnswer(open.response, fleet.signal);
    return "again";
  }

  async #expired(open: OpenAnswer): Promise<Next> {
    const { source, emit } = this.#fleet.context;
    if (!source.renewable || open.justFound || this.#renewed) return await this.#dead(await open.response.toError());
    this.#renewed = true;
    source.renew(open);
    emit({ type: "renewed" });
    return "again";
  }

  // ── taking ─────────────────────────────────────────────────────────────────────────────────────────────────────────

  async #take(answer: UsableAnswer): Promise<Next> {
    const { verdict } = answer;
    const from = this.claim.position;
    const answerEnd = verdict.kind === "part" ? verdict.end : (verdict.version.size ?? Number.POSITIVE_INFINITY);
    const skip = verdict.kind === "part" ? verdict.skip : 0;
    const sink = new SegmentSink(this.claim, this.#placeFor(answerEnd), { answerEnd, skip });
    this.#sink = sink;
    this.#open = answer;
    try {
      readInto(sink, answer);
      // The fleet may have ended while the head was on its way.
      if (this.#fleet.signal.aborted) this.abort(this.#fleet.signal.reason);
      const end = await sink.ended;
      await sink.flush();
      if (this.claim.position > from) {
        this.#patience.renew();
        this.#renewed = false;
      }
      return await this.#after(end, answer, from, answerEnd);
    } finally {
      this.#open = undefined;
      this.#sink = undefined;
      sink.close();
    }
  }

  async #after(end: SinkEnd, answer: UsableAnswer, from: number, answerEnd: number): Promise<Next> {
    const fleet = this.#fleet;
    const { position } = this.claim;
    switch (end.how) {
      case "limit":
        return "again";
      case "disk":
        throw end.error;
      case "broken":
        return await this.#broke(end.error);
      case "long":
        // Where it contradicts itself at the end, nothing of it is to be believed.
        fleet.store.extents.remove(from, position);
        return this.#noRanges("the answer has more bytes than it says");
      case "end":
        if (!Number.isFinite(answerEnd)) return this.#endUnknown(answer);
        if (position >= Math.min(answerEnd, this.claim.end)) return "again";
        return await this.#broke(
          new PayloadError("download/short", `The answer ended at byte ${position} of ${answerEnd}`, { phase: "read" }),
        );
    }
  }

  /** All of an answer that did not say how much that is. */
  #endUnknown(answer: UsableAnswer): Next {
    const { headers, httpVersion } = answer.response;
    const framed = headers.has("content-length") || (httpVersion !== "1.0" && headers.has("transfer-encoding"));
    if (!framed) this.#fleet.noteUnknownEnd();
    this.#complete = true;
    this.#fleet.setSize(this.claim.position);
    return "leave";
  }

  async #broke(error: unknown): Promise<Next> {
    const fleet = this.#fleet;
    if (fleet.signal.aborted || fleet.resumable || !isPassing(error)) return await this.#fail(error);
    fleet.restart({ reason: "no-validator", detail: error.message, plain: false });
    return "leave";
  }

  /** Waits and asks again, leaves it to others, or ends the download. */
  async #fail(error: unknown): Promise<Next> {
    const { signal } = this.#fleet;
    if (signal.aborted) return "leave";
    if (isPassing(error) && this.#patience.spent) return await this.#dead(error);
    try {
      await this.#patience.after(error, signal);
      return "again";
    } catch (reason) {
      if (signal.aborted) return "leave";
      throw reason;
    }
  }

  #dead(error: Error): Promise<Next> {
    if (!this.#fleet.hasOthers(this.claim)) return Promise.reject(error);
    this.#fleet.shrink(error);
    return Promise.resolve("leave");
  }

  #changed(detail: string): Next {
    this.#fleet.restart({ reason: "changed", detail, plain: false });
    return "leave";
  }

  #noRanges(detail: string): Next {
    const fleet = this.#fleet;
    if (fleet.hasOthers(this.claim)) fleet.shrink(undefined);
    else fleet.restart({ reason: "ranges", detail, plain: true });
    return "leave";
  }

  #placeFor(answerEnd: number): SinkPlace {
    const { context, store, plan } = this.#fleet;
    return {
      buffers: context.buffers,
      clock: context.clock,
      limiter: context.options.limiter,
      write: (bytes, position) => store.write(bytes, position),
      onWritten: (start, end) => store.extents.add(start, end),
      onReceived: (byteLength) => {
        if (this.movingSince === Number.POSITIVE_INFINITY) this.movingSince = context.clock.now();
        this.meter.add(byteLength);
        context.meter.add(byteLength);
      },
      extend: (claim) => plan.extend(claim, answerEnd),
    };
  }
}
