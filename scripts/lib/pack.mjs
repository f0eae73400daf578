/** Packs the published packages as npm would publish them, once for all the checks that look at the result. */
import { mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { run } from "./command.mjs";
import { npmCommand } from "./install.mjs";
import { workspaces } from "./project.mjs";
import { ROOT } from "./root.mjs";

/** @typedef {{ name: string, folder: string, manifest: object, tarball: string, bytes: Uint8Array, files: string[] }} Packed */

/** @type {Packed[] | undefined} */
let packed;

/** @returns {Packed[]} each published package with the path of its tarball */
export function packAll() {
  if (packed !== undefined) return packed;
  const target = join(ROOT, ".cache", "pack");
  rmSync(target, { recursive: true, force: true });
  mkdirSync(target, { recursive: true });
  packed = workspaces()
    .filter(({ isPublished }) => isPublished)
    .map(({ folder, manifest }) => {
      const { filename, files } = packOne(join(ROOT, folder), target);
      const tarball = join(target, filename);
      return { name: manifest.name, folder, manifest, tarball, bytes: readFileSync(tarball), files };
    });
  return packed;
}

function packOne(folder, target) {
  const npm = npmCommand();
  const args = [...npm.args, "pack", "--json", "--loglevel=error", "--ignore-scripts", "--pack-destination", target];
  const { ok, output, stdout } = run(npm.file, args, { cwd: folder, shell: npm.shell });
  if (!ok) throw new Error(`Cannot pack ${folder}: ${output}`);
  const report = JSON.parse(stdout);
  // One entry: npm 11 lists it, npm 12 keys it by name.
  const [entry] = Array.isArray(report) ? report : Object.values(report);
  return { filename: entry.filename.replace("@", "").replace("/", "-"), files: entry.files.map(({ path }) => path) };
}
