/** Data of the five kinds that the groups 12 and 13 send, made here: JSON, a picture's samples, prose, HTML, and a file that hardly compresses. */
import type { DeflateCase } from "./case-list.js";

const BYTES = 200_000;
const WORDS =
  "der Geist der stets verneint und das mit Recht denn alles was entsteht ist wert dass es zugrunde geht".split(" ");

function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

function text(make: (next: () => number, index: number) => string): Buffer {
  const next = random(12);
  let all = "";
  for (let index = 0; all.length < BYTES; index += 1) all += make(next, index);
  return Buffer.from(all.slice(0, BYTES));
}

function words(next: () => number, count: number): string {
  return Array.from({ length: count }, () => WORDS[Math.floor(next() * WORDS.length)]).join(" ");
}

const MAKERS: Readonly<Record<DeflateCase["data"], () => Buffer>> = {
  json: () => text((next, id) => JSON.stringify({ id, price: next().toFixed(4), tags: words(next, 3).split(" ") })),
  bitmap: () => {
    const next = random(13);
    return Buffer.from(Array.from({ length: BYTES }, (_, at) => 128 + 90 * Math.sin(at / 97) + 20 * next()));
  },
  prose: () => text((next) => `${words(next, 8)},\n`),
  html: () =>
    text((next, id) => `<tr class="row"><td id="c${id}">${words(next, 4)}</td><td>${next().toFixed(3)}</td></tr>\n`),
  pdf: () => {
    const next = random(14);
    return Buffer.from(Array.from({ length: BYTES }, () => 256 * next()));
  },
};

const made = new Map<string, Buffer>();

/** 200,000 bytes of a kind; text kinds are ASCII. */
export function sampleData(kind: DeflateCase["data"]): Buffer {
  const bytes = made.get(kind) ?? MAKERS[kind]();
  made.set(kind, bytes);
  return bytes;
}
