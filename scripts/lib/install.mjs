/**
 * Decides whether `node_modules` is what `package-lock.json` asks for, and installs if not.
 *
 * npm writes `node_modules/.package-lock.json` as the last act of an install, so it serves as the stamp: an install that
 * was cut off has none, or an old one. Every package it names must be there in the version that our lockfile names.
 * Optional packages (other platforms' binaries) may be absent. Takes a few milliseconds.
 *
 * `npm ci` is not used: it refuses a lockfile in which some platform's optional package is missing, and not every registry
 * has them all. `npm install --no-save` takes the same versions and checksums, and writes neither manifest nor lockfile.
 */
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";

const STAMP = "node_modules/.package-lock.json";

/**
 * Why the install is not usable, as half a sentence, or `undefined` when it is.
 *
 * @param {string} root folder with `package-lock.json`
 */
export function whyNotInstalled(root) {
  if (!existsSync(join(root, "node_modules"))) return "node_modules is missing";
  if (!existsSync(join(root, STAMP))) return "an earlier install did not finish";
  let installed;
  try {
    installed = JSON.parse(readFileSync(join(root, STAMP), "utf8")).packages ?? {};
  } catch (error) {
    return `npm's record of the last install cannot be read (${error.message})`;
  }
  const wanted = JSON.parse(readFileSync(join(root, "package-lock.json"), "utf8")).packages;
  for (const [path, entry] of Object.entries(wanted)) {
    if (!path.includes("node_modules/")) continue;
    const found = installed[path];
    if (found === undefined || !existsSync(join(root, path))) {
      if (entry.optional === true) continue;
      return `${path} is missing`;
    }
    if (entry.link === true) continue;
    if (found.version !== entry.version || found.integrity !== entry.integrity) {
      return `${path} is ${found.version}, the lockfile has ${entry.version}`;
    }
    if (!existsSync(join(root, path, "package.json"))) return `${path} is empty`;
  }
  return undefined;
}

/** Installs what the lockfile names, if need be. Ends the process with npm's own code when npm fails. */
export function ensureInstalled(root) {
  const reason = whyNotInstalled(root);
  if (reason === undefined) return;
  console.error(`Installing dependencies: ${reason}`);
  // What an install that was cut off left behind may look whole to npm.
  if (!existsSync(join(root, STAMP))) rmSync(join(root, "node_modules"), { recursive: true, force: true });
  const npm = npmCommand();
  const ended = spawnSync(npm.file, [...npm.args, "install", "--no-save", "--no-audit", "--no-fund"], {
    cwd: root,
    // npm's report is not part of what the verb prints.
    stdio: ["inherit", process.stderr, "inherit"],
    shell: npm.shell,
  });
  if (ended.error !== undefined || ended.status !== 0) {
    console.error(`Cannot install dependencies: npm install ${ended.error?.message ?? `ended with ${ended.status}`}`);
    process.exit(ended.status ?? 1);
  }
}

/** The npm that called us, else the one on the path. On Windows that is a `.cmd`, which only a shell can start. */
export function npmCommand() {
  const caller = process.env["npm_execpath"];
  if (caller !== undefined && /npm-cli\.[cm]?js$/.test(caller) && existsSync(caller)) {
    return { file: process.execPath, args: [caller], shell: false };
  }
  return { file: "npm", args: [], shell: process.platform === "win32" };
}
