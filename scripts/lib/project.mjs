/** What the project consists of: its files and its packages. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "./root.mjs";

const NOT_OURS = new Set(["node_modules", "dist", "coverage", ".git", ".cache", "tmp"]);

/**
 * Every file below `folder`, as paths from the project's root with `/`, sorted. Leaves out what is installed or built.
 *
 * @param {string} folder path from `root`; `""` is everything
 * @param {RegExp} pattern tested against the whole path
 */
export function filesBelow(folder, pattern, root = ROOT) {
  const found = [];
  const visit = (path) => {
    for (const entry of readdirSync(join(root, path), { withFileTypes: true })) {
      const inner = path === "" ? entry.name : `${path}/${entry.name}`;
      if (entry.isDirectory()) {
        if (!NOT_OURS.has(entry.name)) visit(inner);
      } else if (pattern.test(inner)) found.push(inner);
    }
  };
  if (folder === "" || existsSync(join(root, folder))) visit(folder);
  return found.sort();
}

/** A file's text, given its path from the project's root. */
export function read(path, root = ROOT) {
  return readFileSync(join(root, path), "utf8");
}

/** The workspaces that exist: folder, package.json, and whether it is published. */
export function workspaces(root = ROOT) {
  const folders = readdirSync(join(root, "packages")).map((name) => `packages/${name}`);
  return [...folders.sort(), "bench", "examples"]
    .filter((folder) => existsSync(join(root, folder, "package.json")))
    .map((folder) => {
      const manifest = JSON.parse(read(`${folder}/package.json`, root));
      return { folder, manifest, isPublished: manifest.private !== true };
    });
}
