/** Where the figures come from: machine, Node, commit, and the versions of everything that was compared. */
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { cpus } from "node:os";
import type { Cores } from "./harness/cores.js";
import { findAiohttp, findBun } from "./servers/running-server.js";

/** Written beside the figures. */
export interface Surroundings {
  readonly node: string;
  readonly platform: string;
  readonly cpu: string;
  readonly cores: number;
  readonly pinned: boolean;
  /** Of the working tree; "+" where it has changes. Undefined outside a repository. */
  readonly commit: string | undefined;
  readonly peers: Readonly<Record<string, string>>;
}

/** Needed by the peers or by the compiler, and not compared. */
const NOT_PEERS = /^(@types\/|light-my-request$)/;
const BENCH = new URL("../", import.meta.url);

/** Looks around. */
export function lookAround(cores: Cores, givenBun: string | undefined): Surroundings {
  const [first] = cpus();
  return {
    node: process.version,
    platform: `${process.platform} ${process.arch}`,
    cpu: first?.model ?? "unknown",
    cores: cpus().length,
    pinned: cores.client !== undefined,
    commit: commitOf(),
    peers: { ...npmPeers(), ...otherPeers(givenBun) },
  };
}

function npmPeers(): Record<string, string> {
  const manifest = readManifest(new URL("package.json", BENCH)) as { devDependencies: Record<string, string> };
  const names = Object.keys(manifest.devDependencies).filter((name) => !NOT_PEERS.test(name));
  return Object.fromEntries(names.map((name) => [name, versionOf(name)]));
}

/** The bench's own copy goes before the one that all packages share. */
function versionOf(name: string): string {
  const places = [
    new URL(`node_modules/${name}/package.json`, BENCH),
    new URL(`../node_modules/${name}/package.json`, BENCH),
  ];
  const found = places.find((place) => existsSync(place));
  return found === undefined ? "unknown" : (readManifest(found) as { version: string }).version;
}

function readManifest(place: URL): unknown {
  return JSON.parse(readFileSync(place, "utf8"));
}

function otherPeers(givenBun: string | undefined): Record<string, string> {
  const bun = findBun(givenBun);
  const python = findAiohttp();
  return {
    ...(bun === undefined ? {} : { bun: outputOf(bun, ["--version"]) ?? "unknown" }),
    ...(python === undefined
      ? {}
      : { aiohttp: outputOf(python, ["-c", "import aiohttp; print(aiohttp.__version__)"]) ?? "unknown" }),
  };
}

function commitOf(): string | undefined {
  const commit = outputOf("git", ["rev-parse", "HEAD"]);
  if (commit === undefined) return undefined;
  return outputOf("git", ["status", "--porcelain", "--untracked-files=no"]) === "" ? commit : `${commit}+`;
}

function outputOf(file: string, args: readonly string[]): string | undefined {
  const ended = spawnSync(file, args, { encoding: "utf8" });
  return ended.status === 0 ? ended.stdout.trim() : undefined;
}
