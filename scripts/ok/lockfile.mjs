/**
 * The lockfile is that of the manifests. It holds no download addresses (the installing machine's registry decides) but every checksum; each package
 * runs on the oldest Node that we support; what users get installed with us has a licence that asks for no more than a notice.
 */
import semver from "semver";
import { read, workspaces } from "../lib/project.mjs";

export const title = "lockfile";
const LEAST_NODE = "20.19.0";
const DEPENDENCY_KINDS = ["dependencies", "devDependencies", "optionalDependencies", "peerDependencies"];
const LICENCES = new Set(["MIT", "ISC", "BSD-2-Clause", "BSD-3-Clause", "Apache-2.0", "0BSD"]);

export async function check() {
  const lock = JSON.parse(read("package-lock.json"));
  const problems = checkLock(lock);
  for (const { folder, manifest } of [{ folder: "", manifest: JSON.parse(read("package.json")) }, ...workspaces()]) {
    problems.push(...outOfStep(folder, manifest, lock.packages[folder]));
    if (manifest.private !== true && manifest.engines?.node !== ">=20.19") {
      problems.push(`${folder}/package.json: engines.node is not ">=20.19"`);
    }
  }
  if (!read(".npmrc").includes("omit-lockfile-registry-resolved=true"))
    problems.push(".npmrc lets npm write addresses");
  const shipped = Object.values(lock.packages).filter(isShipped).length;
  return { problems, notes: [`${Object.keys(lock.packages).length} entries, ${shipped} reach users`] };
}

/** What a manifest asks for and its entry in the lockfile does not, or the other way round. */
export function outOfStep(folder, manifest, entry) {
  const asked = (from) => JSON.stringify(DEPENDENCY_KINDS.map((kind) => Object.entries(from?.[kind] ?? {}).sort()));
  if (asked(manifest) === asked(entry)) return [];
  return [`${folder === "" ? "" : `${folder}/`}package.json and package-lock.json disagree; run: npm install`];
}

/** @returns {string[]} */
export function checkLock(lock) {
  const problems = [];
  for (const [path, entry] of Object.entries(lock.packages)) {
    if (!path.includes("node_modules/") || entry.link === true) continue;
    const name = `${path.slice(path.lastIndexOf("node_modules/") + "node_modules/".length)}@${entry.version}`;
    if (entry.resolved !== undefined) problems.push(`${name}: has a download address; delete it, or reinstall`);
    if (entry.integrity === undefined) problems.push(`${name}: has no checksum`);
    const floor = entry.engines?.node;
    if (floor !== undefined && !semver.satisfies(LEAST_NODE, floor)) {
      problems.push(`${name}: needs Node ${floor}, and we support ${LEAST_NODE}`);
    }
    if (isShipped(entry) && !LICENCES.has(entry.license)) problems.push(`${name}: its licence is ${entry.license}`);
  }
  return problems;
}

function isShipped(entry) {
  return entry.dev !== true && entry.devOptional !== true && entry.integrity !== undefined;
}
