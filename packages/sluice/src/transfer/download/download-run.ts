/**
 * One download from beginning to end: where it goes, what an earlier run has left, versions until one is whole, checksum, and into
 * its place. However it ends, what can be gone on with is on the disk, and the lock is given back.
 */

import type { ClientResponse } from "../../client/response.js";
import { fullJitter } from "../../concurrency/back-off.js";
import { sleep } from "../../concurrency/sleep.js";
import { SluiceError, UsageError } from "../../errors.js";
import type { FieldDigests } from "../../http/digest-fields.js";
import { codeOf, type DurableFiles } from "../../platform/durable-files.js";
import { inFolder } from "../../platform/paths.js";
import { judgeWhole } from "./answers/answer-rules.js";
import { compareVersions, hasStrongValidator, type RemoteVersion } from "./answers/remote-version.js";
import type { DownloadContext } from "./download-context.js";
import type { RestartReason } from "./download-events.js";
import type { DownloadResult } from "./download-result.js";
import { offersRanges, probe, type UsableAnswer } from "./probe.js";
import type { Restart } from "./segments/fleet.js";
import { Generation } from "./segments/generation.js";
import type { ControlRecord } from "./store/control-record.js";
import { type Extent, Extents } from "./store/extents.js";
import type { PartPaths } from "./store/part-paths.js";
import { PartStore } from "./store/part-store.js";
import { acquireLock, type TargetLock } from "./store/target-lock.js";
import { withFieldDigests } from "./target/checksums.js";
import { digestsOf, discardIfWrong, putInPlace, requireEnd } from "./target/finishing.js";
import { conditionFor, isStillThere, type KnownFile, knownFile, noteVersion } from "./target/if-changed.js";
import { fileIn, nameFor, nameInUrl, placeOfTarget, refuseExisting, type TargetPlace } from "./target/target-place.js";

/** What a run needs besides its context. */
export interface RunPlace {
  readonly files: DurableFiles;
  readonly target: string | URL;
  /** Milliseconds between two records of what is there. */
  readonly saveInterval: number;
  /** What the URL is called before anybody has asked for it; undefined where only a function knows. */
  readonly askedUrl: string | undefined;
  /** An answer that is there already, with all of the file. The target is a file then. */
  readonly begun: ClientResponse | undefined;
}

const BACK_OFF = { base: 500, cap: 30_000 } as const;
/** Versions that may follow each other before the server is not asked for ranges any more: its validators mean nothing. */
const MOST_CHANGES = 2;

/** See the head of this file. Runs once. */
export class DownloadRun {
  state: "connecting" | "downloading" | "verifying" | "done" = "connecting";
  /** The version under way. */
  generation: Generation | undefined;
  readonly #context: DownloadContext;
  readonly #place: RunPlace;
  #lock: TargetLock | undefined;
  #store: PartStore | undefined;
  #known: KnownFile | undefined;
  #resumedBytes = 0;
  #digests: FieldDigests = new Map();
  #mostSegments = 1;
  #givesRanges = true;
  readonly #restarts: RestartReason[] = [];

  constructor(context: DownloadContext, place: RunPlace) {
    this.#context = context;
    this.#place = place;
  }

  /** Which bytes of the file have come, written or not. */
  get received(): readonly Extent[] {
    const extents = new Extents(this.#store?.extents.list);
    for (const { claim } of this.generation?.segments ?? []) extents.add(claim.written, claim.position);
    return extents.list;
  }

  /** Bytes that are on the disk and recorded, unless the server has shown that it gives no part of a file. */
  get kept(): number {
    return this.#givesRanges ? (this.#store?.savedBytes ?? 0) : 0;
  }

  async run(): Promise<DownloadResult> {
    const { files, target, begun } = this.#place;
    try {
      const place = await placeOfTarget(target, files);
      if (begun !== undefined) return await this.#begin(place, begun);
      return place.kind === "file" ? await this.#toFile(place.paths) : await this.#toFolder(place);
    } catch (error) {
      await this.#abandon();
      throw error;
    } finally {
      await this.#store?.close();
      await this.#lock?.release();
      await this.#context.source.close();
    }
  }

  /** What fails here must not hide what the download has failed with. */
  async #abandon(): Promise<void> {
    try {
      await this.#lock?.verify();
      await this.#store?.abandon();
    } catch (error) {
      if (!(error instanceof SluiceError) && codeOf(error) === undefined) throw error;
    }
  }

  // ── where to ───────────────────────────────────────────────────────────────────────────────────────────────────────

  async #toFile(paths: PartPaths): Promise<DownloadResult> {
    const { options } = this.#context;
    if (options.overwrite === false) await refuseExisting(paths.target, this.#place.files, false);
    const store = await this.#open(paths);
    const record = await this.#found(store);
    if (record !== undefined) return await this.#fetch(store, record, undefined);
    if (options.ifChanged) this.#known = await knownFile(paths.target, this.#place.files);
    const first = await this.#probe(false);
    return first === undefined ? this.#unchanged(paths.target) : await this.#fetch(store, undefined, first);
  }

  /** The name is only known with the first answer; if an earlier run has left something under it, the answer shows whether that fits. */
  async #toFolder({ folder }: Extract<TargetPlace, { kind: "folder" }>): Promise<DownloadResult> {
    const { options } = this.#context;
    const { files, askedUrl } = this.#place;
    const guess = askedUrl === undefined ? undefined : inFolder(folder, nameInUrl(askedUrl));
    if (options.ifChanged && guess !== undefined) this.#known = await knownFile(guess, files);
    const first = await this.#probe(false);
    if (first === undefined) {
      this.#tellTarget(guess ?? folder);
      return this.#unchanged(guess ?? folder);
    }
    const overwrite = options.overwrite ?? (options.ifChanged ? true : undefined);
    return await this.#goOnFrom(first, () => fileIn(folder, nameFor(first.response), { files, overwrite }));
  }

  /** With an answer that somebody has asked for already. */
  async #begin(place: TargetPlace, response: ClientResponse): Promise<DownloadResult> {
    const open = await this.#context.source.adopt(response);
    const first = { ...open, verdict: judgeWhole(response.headers) };
    return await this.#goOnFrom(first, () => {
      if (place.kind === "file") return Promise.resolve(place.paths);
      throw new UsageError("download/target", `Cannot save to ${place.folder}: it is a folder`);
    });
  }

  /** What an earlier run has left is gone on with if it is of the answer's version; else the answer is the beginning. */
  async #goOnFrom(first: UsableAnswer, findPaths: () => Promise<PartPaths>): Promise<DownloadResult> {
    try {
      const store = await this.#open(await findPaths());
      const record = await this.#found(store);
      if (record === undefined) return await this.#fetch(store, undefined, first);
      const { trustSize } = this.#context.options;
      const fits = compareVersions(record.version, first.verdict.version, trustSize) === "same";
      if (!fits) this.#beginsAnew("changed", "what is there is of another version");
      else first.controller.abort();
      return fits ? await this.#fetch(store, record, undefined) : await this.#fetch(store, undefined, first);
    } catch (error) {
      first.controller.abort(error);
      throw error;
    }
  }

  async #open(paths: PartPaths): Promise<PartStore> {
    const { options, clock, signal } = this.#context;
    const { files } = this.#place;
    this.#tellTarget(paths.target);
    this.#lock = await acquireLock(`${paths.part}.lock`, { files, clock, signal, force: options.force });
    this.#store = new PartStore(files, paths);
    return this.#store;
  }

  /** Throws what a listener objects. */
  #tellTarget(path: string): void {
    this.#context.emit({ type: "target", path });
    this.#context.signal.throwIfAborted();
  }

  /** What an earlier run has left and may be gone on with. */
  async #found(store: PartStore): Promise<ControlRecord | undefined> {
    const { options } = this.#context;
    const { record, why } = await store.found();
    if (why !== undefined) this.#beginsAnew(why, why === "record" ? "the record is damaged" : "its bytes are gone");
    if (record === undefined || record.extents.byteLength === 0) return undefined;
    if (options.fresh) this.#beginsAnew("asked", "the caller asked for it");
    else if (hasStrongValidator(record.version) || (options.trustSize && record.version.size !== undefined))
      return record;
    else this.#beginsAnew("no-validator", "nothing shows whether the file is still the same");
    return undefined;
  }

  // ── versions, one after another ────────────────────────────────────────────────────────────────────────────────────

  /** Undefined: the file that is there is still the one. */
  async #probe(plain: boolean): Promise<UsableAnswer | undefined> {
    const answer = await probe(this.#context, { plain, condition: conditionFor(this.#known) });
    if (answer === "unchanged") return undefined;
    if (this.#known === undefined || !isStillThere(this.#known, answer.verdict.version)) return answer;
    answer.controller.abort();
    return undefined;
  }

  async #fetch(
    store: PartStore,
    record: ControlRecord | undefined,
    answer: UsableAnswer | undefined,
  ): Promise<DownloadResult> {
    let [found, first, plain] = [record, answer, false];
    for (let round = 1; ; round += 1) {
      const version = await this.#prepare(store, found, first);
      // Of a coded answer the rest cannot be asked for: how two runs of a coder cut their bytes nobody knows.
      const coded = first?.verdict.kind === "whole" && first.verdict.coded;
      const generation = this.#newGeneration(store, version, plain || coded);
      const restart = await this.#runOne(generation, first);
      if (restart === undefined) {
        const wrong = await this.#tryFinish(store, generation);
        if (wrong === undefined) return this.#result(store.paths.target, generation.version, "complete");
        // What was gone on with may have gone bad on the disk; what has just come has not.
        if (this.#resumedBytes === 0) throw wrong;
        this.#beginsAnew("checksum", wrong.message);
        [found, first] = [undefined, await this.#anew(false)];
        continue;
      }
      plain ||= restart.plain || this.#restarts.filter((reason) => reason === "changed").length >= MOST_CHANGES;
      this.#beginsAnew(restart.reason, restart.detail);
      await this.#pause(restart, round);
      [found, first] = [undefined, restart.answer ?? (await this.#anew(plain))];
    }
  }

  async #prepare(
    store: PartStore,
    record: ControlRecord | undefined,
    first: UsableAnswer | undefined,
  ): Promise<RemoteVersion> {
    const { options, emit } = this.#context;
    this.state = "downloading";
    if (record !== undefined) {
      await store.resume(record);
      const { size } = record.version;
      if (size !== undefined) {
        await store.reserve(size);
        // One byte is asked for again, so that the server says whether this is still its file.
        if (store.extents.covers(size)) store.extents.remove(size - 1, size);
      }
      this.#resumedBytes = store.extents.byteLength;
      emit({ type: "resumed", bytes: this.#resumedBytes });
      return record.version;
    }
    const version = first?.verdict.version ?? {
      etag: undefined,
      lastModified: undefined,
      dateIsStrong: false,
      size: undefined,
    };
    this.#resumedBytes = 0;
    this.#givesRanges = first === undefined || this.#place.begun !== undefined || offersRanges(first);
    if (first !== undefined) this.#digests = digestsOf(first);
    try {
      await store.begin(version, options.trustSize);
    } catch (error) {
      first?.controller.abort(error);
      throw error;
    }
    return version;
  }

  #newGeneration(store: PartStore, version: RemoteVersion, plain: boolean): Generation {
    const generation = new Generation(this.#context, store, {
      version,
      plain,
      saveInterval: this.#place.saveInterval,
      beforeSave: async () => await this.#lock?.verify(),
    });
    this.generation = generation;
    return generation;
  }

  /** Whatever ends it, what has come is recorded: with the disk's troubles as far as that goes. */
  async #runOne(generation: Generation, first: UsableAnswer | undefined): Promise<Restart | undefined> {
    try {
      return await generation.run(first);
    } catch (error) {
      await generation.save().catch(() => undefined);
      throw error;
    } finally {
      this.#mostSegments = Math.max(this.#mostSegments, generation.mostSegments);
    }
  }

  async #anew(plain: boolean): Promise<UsableAnswer> {
    this.state = "connecting";
    this.#known = undefined;
    const answer = await this.#probe(plain);
    if (answer !== undefined) return answer;
    throw new SluiceError(
      "download/bad-answer",
      "Cannot download: the server says that nothing has changed, and was not asked",
    );
  }

  #beginsAnew(reason: RestartReason, detail: string): void {
    this.#restarts.push(reason);
    this.#context.emit({ type: "restarted", reason, detail });
  }

  /** A file that has changed is fetched at once; one that breaks off again and again, later each time, and not for ever. */
  async #pause({ reason, detail, answer }: Restart, round: number): Promise<void> {
    const { options, clock, random, signal } = this.#context;
    if (round >= options.attempts) {
      answer?.controller.abort();
      const message = `Cannot download: it began anew ${round} times and never came to its end, at last because ${detail}`;
      throw new SluiceError("download/unstable", message);
    }
    if (reason === "no-validator") await sleep(fullJitter(round, BACK_OFF, random), { clock, signal });
  }

  // ── the end ────────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Gives back the error for a checksum that the file has not; what is there is thrown away then. */
  async #tryFinish(store: PartStore, generation: Generation): Promise<SluiceError | undefined> {
    const { options, emit } = this.#context;
    const expected = withFieldDigests(options.checksums, this.#digests);
    await requireEnd(generation, expected);
    if (expected.size > 0) {
      this.state = "verifying";
      // It may take long, and be broken off.
      await generation.save();
      emit({ type: "verifying" });
      const wrong = await discardIfWrong(generation, expected);
      if (wrong !== undefined) return wrong;
    }
    await this.#lock?.verify();
    await putInPlace(generation);
    if (options.ifChanged) await noteVersion(store.paths.target, generation.version, this.#place.files);
    this.state = "done";
    return undefined;
  }

  #unchanged(target: string): DownloadResult {
    this.state = "done";
    const { version, size = 0 } = this.#known ?? {};
    const known = version ?? { etag: undefined, lastModified: undefined, dateIsStrong: false, size };
    return this.#result(target, { ...known, size }, "unchanged");
  }

  #result(target: string, version: RemoteVersion, status: DownloadResult["status"]): DownloadResult {
    return {
      status,
      path: target,
      size: version.size ?? 0,
      url: this.#context.source.lastUrl ?? "",
      etag: version.etag,
      lastModified: version.lastModified,
      resumedBytes: this.#resumedBytes,
      restarts: this.#restarts,
      segments: this.#mostSegments,
      verified:
        status === "complete" ? [...withFieldDigests(this.#context.options.checksums, this.#digests).keys()] : [],
    };
  }
}
