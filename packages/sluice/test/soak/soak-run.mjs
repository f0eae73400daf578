/**
 * What the soaks have in common: things done at random, many at a time and each within a limit, and then a look at what is left. Runs with
 * `--expose-gc`. What number i does follows from the seed and i alone.
 */
import { readdirSync } from "node:fs";
import { createServer } from "node:net";

const MOST_PROBLEMS = 10;
const MOST_LOOKS = 8;
const HEAP_SHARE = 0.05;
/** For code that is compiled later and what is known of its types: 2 MiB here. One object of 32 bytes for each request would be 5.5. */
const HEAP_BYTES = 4 * 1024 * 1024;

export const problems = [];
const outcomes = new Map();

process.on("uncaughtException", (error) => report("uncaught", error));
process.on("unhandledRejection", (error) => report("unhandled", error));

/** Keeps the first problems: after those the rest is the same again. */
export function report(where, error) {
  if (problems.length < MOST_PROBLEMS) problems.push(`${where}: ${String(error?.stack ?? error).slice(0, 600)}`);
}

export function count(name) {
  outcomes.set(name, (outcomes.get(name) ?? 0) + 1);
}

/** A generator of numbers in [0, 1) for number `index` (mulberry32). */
export function randomFor(seed, index) {
  let state = (seed ^ Math.imul(index + 1, 0x9e3779b1)) >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** One of `kinds`, `[weight, name, act]` each; those with more weight more often. */
export function pickKind(kinds, random) {
  let place = random() * kinds.reduce((sum, [weight]) => sum + weight, 0);
  for (const kind of kinds) {
    place -= kind[0];
    if (place < 0) return kind;
  }
  return kinds[0];
}

/** Rejects as `work` does, or when it takes longer. */
export async function within(milliseconds, what, work) {
  let hang;
  try {
    const hung = new Promise((_resolve, reject) => {
      hang = setTimeout(() => reject(new Error(`${what} hangs`)), milliseconds);
    });
    await Promise.race([work, hung]);
  } finally {
    clearTimeout(hang);
  }
}

/** Calls `act` with each number, so many at a time. */
export async function inLanes(lanes, from, to, act) {
  let next = from;
  const lane = async () => {
    while (next < to) {
      const index = next;
      next += 1;
      await act(index);
    }
  };
  await Promise.all(Array.from({ length: lanes }, lane));
}

export async function settle() {
  for (let turn = 0; turn < 5; turn += 1) {
    await new Promise((resolve) => setTimeout(resolve, 60));
    globalThis.gc();
  }
}

/** The heap after as many collections as it takes. */
export async function heapAtRest() {
  let least = Number.POSITIVE_INFINITY;
  for (let round = 0; round < 4; round += 1) {
    await settle();
    least = Math.min(least, process.memoryUsage().heapUsed);
  }
  return least;
}

/** Kinds of resources that hold the loop, counted, and how many descriptors there are: before anything has been done. */
export async function resourcesAtFirst() {
  // The first TCP server of a process takes a descriptor for good: libuv's reserve for when there are none left.
  const first = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => first.on("listening", resolve));
  await new Promise((resolve) => first.close(resolve));
  return await resources();
}

async function resources() {
  await settle();
  const active = {};
  // The timer of our own waiting has fired by now; timers that remain are somebody's.
  for (const kind of process.getActiveResourcesInfo()) active[kind] = (active[kind] ?? 0) + 1;
  return { active, descriptors: readdirSync("/proc/self/fd").length };
}

/** What there is when it is as `before`, or else after a while: what was closed goes by and by. */
export async function resourcesLike(before) {
  let now = await resources();
  for (let look = 0; look < MOST_LOOKS && JSON.stringify(now) !== JSON.stringify(before); look += 1)
    now = await resources();
  return now;
}

const mebibytes = (bytes) => `${(bytes / 1024 / 1024).toFixed(2)} MiB`;

/** Judges what is left, and prints figures, problems and a last line of JSON. `more`: of the program's own. */
export function conclude({ seed, began, heapBefore, heapAfter, before, after, deadlines, more }) {
  const limit = heapBefore * (1 + HEAP_SHARE) + HEAP_BYTES;
  if (heapAfter > limit) problems.push(`heap: ${mebibytes(heapAfter)} at the end, at most ${mebibytes(limit)} allowed`);
  if (deadlines > 0) problems.push(`deadlines: ${deadlines} in the timer wheel`);
  if (JSON.stringify(after.active) !== JSON.stringify(before.active)) {
    problems.push(`resources: ${JSON.stringify(before.active)} before, ${JSON.stringify(after.active)} after`);
  }
  if (after.descriptors !== before.descriptors) {
    problems.push(`descriptors: ${before.descriptors} before, ${after.descriptors} after`);
  }
  const seconds = (performance.now() - began) / 1000;
  console.log(`  outcomes: ${[...outcomes].map(([name, times]) => `${name.trim()} ${times}`).join(", ")}`);
  console.log(`  heap at rest: ${mebibytes(heapBefore)} after the first tenth, ${mebibytes(heapAfter)} at the end`);
  console.log(`  resources: ${JSON.stringify(after.active)}, descriptors ${before.descriptors} → ${after.descriptors}`);
  console.log(`  ${more}, deadlines in the wheel ${deadlines}, ${seconds.toFixed(1)} s`);
  for (const problem of problems) console.log(`  PROBLEM ${problem}`);
  console.log(JSON.stringify({ ok: problems.length === 0, seed, problems, heapBefore, heapAfter, seconds }));
}
