/**
 * A file to be uploaded, held to the version that it had when it was opened: one that changes meanwhile would arrive mixed from two,
 * so the last bytes of every part wait until it is certain that it has not.
 */

import { SluiceError, UsageError } from "../../../errors.js";
import { contentDigest } from "../../../platform/digest.js";
import { FilePieces, PieceMemory } from "../../../platform/file-pieces.js";
import { findPlace } from "../../../platform/folder.js";
import { OpenFile } from "../../../platform/open-file.js";
import { absolutePath, nameOf } from "../../../platform/paths.js";
import type { SourceIdentity, SourcePart, UploadSource, WholeSource } from "../upload-source.js";

/** Of each end, for telling versions apart that have the same size and time. */
const PROBE_BYTES = 64 * 1024;

/** See the head of this file. */
export class FileUploadSource implements UploadSource {
  readonly size: number;
  readonly name: string;
  readonly identity: SourceIdentity;
  readonly earliest = 0;
  readonly #file: OpenFile;
  readonly #path: string;
  readonly #memory: PieceMemory;

  private constructor(path: string, file: OpenFile, version: string, pieceBytes: number) {
    this.#path = path;
    this.#file = file;
    this.#memory = new PieceMemory(pieceBytes);
    this.size = file.version.size;
    this.name = nameOf(path);
    this.identity = { key: path, version };
  }

  /**
   * `pieceBytes`: of each read, from 1. Rejects with `UsageError` `upload/no-file` where there is no regular file, and with the system's
   * errors.
   */
  static async open(given: string | URL, pieceBytes: number): Promise<FileUploadSource> {
    const place = await findPlace(absolutePath(given));
    const file = place?.kind === "file" ? await OpenFile.open(place.path) : undefined;
    if (place === undefined || file === undefined) {
      throw new UsageError("upload/no-file", `Cannot upload ${String(given)}: there is no regular file`);
    }
    try {
      return new FileUploadSource(place.path, file, await versionOf(file), pieceBytes);
    } catch (error) {
      file.close();
      throw error;
    }
  }

  next(start: number, most: number): Promise<SourcePart> {
    const end = Math.min(this.size, start + most);
    return Promise.resolve({
      length: end - start,
      bytes: () => this.#whole(start, end),
      open: () => this.#pieces(start, end),
      takeBack: this.#takeBack,
    });
  }

  whole(): WholeSource {
    return { length: this.size, open: () => this.#pieces(0, this.size), takeBack: this.#takeBack };
  }

  async assertUnchanged(): Promise<void> {
    if (await this.#file.isUnchanged()) return;
    throw new SluiceError(
      "upload/changed",
      `Cannot go on with the upload: ${this.#path} has changed while it was sent`,
    );
  }

  close(): Promise<void> {
    this.#file.close();
    return Promise.resolve();
  }

  async #whole(start: number, end: number): Promise<Uint8Array> {
    const bytes = await this.#file.read(start, end);
    await this.assertUnchanged();
    return bytes;
  }

  #pieces(start: number, end: number): FilePieces {
    const confirm = (): Promise<void> => this.assertUnchanged();
    return new FilePieces({ file: this.#file, start, end, memory: this.#memory, confirm });
  }

  readonly #takeBack = (piece: Uint8Array): void => this.#memory.takeBack(piece);
}

async function versionOf(file: OpenFile): Promise<string> {
  const { size, modifiedTime } = file.version;
  const head = await file.read(0, Math.min(size, PROBE_BYTES));
  const tail = await file.read(Math.max(0, size - PROBE_BYTES), size);
  return `${size}-${modifiedTime}-${contentDigest(head)}-${contentDigest(tail)}`;
}
