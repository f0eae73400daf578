/** Folders of files, and an application that serves one. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { ManualClock } from "../../../src/concurrency/manual-clock.js";
import { Application } from "../../../src/server/application.js";
import type { StaticOptions } from "../../../src/server/static/static-options.js";
import { ask, type FakeAnswer } from "../fake-exchange.js";

const folders: string[] = [];

/** A new folder with these files in it; {@link removeFolders} takes it away. */
export function makeFolder(files: Readonly<Record<string, string | Uint8Array>> = {}): string {
  const folder = mkdtempSync(join(tmpdir(), "sluice-static-"));
  folders.push(folder);
  for (const [name, content] of Object.entries(files)) write(folder, name, content);
  return folder;
}

/** Writes a file, and the folders on the way to it. */
export function write(folder: string, name: string, content: string | Uint8Array): string {
  const path = join(folder, name);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, content);
  return path;
}

export function removeFolders(): void {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
}

/** By this clock every file was written long ago. */
export function laterClock(): ManualClock {
  return new ManualClock({ wallTime: Date.now() + 3_600_000 });
}

/** By this one, just now. */
export function presentClock(): ManualClock {
  return new ManualClock({ wallTime: Date.now() });
}

/** Asks for a path with these fields. */
export type Asking = (path: string, fields?: Readonly<Record<string, string>>, method?: string) => Promise<FakeAnswer>;

/** An application with `folder` at `/s`. */
export class Site {
  readonly app: Application;
  readonly clock: ManualClock;
  readonly errors: unknown[] = [];

  constructor(folder: string, options: StaticOptions = {}, clock = laterClock()) {
    this.clock = clock;
    this.app = new Application({ clock, onError: (error) => this.errors.push(error) });
    this.app.static("/s", folder, options);
  }

  readonly get: Asking = (path, fields = {}, method = "GET") => {
    const lines = Object.entries(fields).flat();
    return ask(this.app.dispatch, method, path, { fields: ["Host", "example.com", ...lines] });
  };
}
