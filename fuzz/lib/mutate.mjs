/** Inputs made from others: by bytes, by words of a dictionary, and by lines, numbers and other things that grammars are made of. */

const BYTES = [
  0x00, 0x09, 0x0a, 0x0b, 0x0d, 0x20, 0x22, 0x25, 0x2c, 0x3a, 0x3b, 0x3d, 0x5c, 0x7f, 0x80, 0xff, 0x30, 0x39, 0x41,
];
const NUMBERS = [
  "0",
  "1",
  "-1",
  "+1",
  "00",
  "007",
  "0x10",
  "1e3",
  "255",
  "65536",
  "2147483648",
  "4294967296",
  "9007199254740992",
  "18446744073709551616",
  "5 5",
  "5, 5",
  "1.5",
  "",
];
const LINE_ENDS = ["\r\n", "\n", "\r", "\r\r\n", "\r\n ", "\r\n\t", "\r\n\r\n"];

const BY_BYTES = [
  (bytes, random) => replaceAt(bytes, random.below(bytes.length), [random.pick(BYTES)]),
  (bytes, random) => replaceAt(bytes, random.below(bytes.length), [random.below(256)]),
  (bytes, random) => insertAt(bytes, random.below(bytes.length + 1), Buffer.from([random.pick(BYTES)])),
  (bytes, random) => {
    const [from, to] = range(bytes, random);
    return Buffer.concat([bytes.subarray(0, from), bytes.subarray(to)]);
  },
  (bytes, random) => {
    const [from, to] = range(bytes, random);
    const copies = Array.from({ length: 1 + random.below(random.chance(0.05) ? 400 : 3) }, () =>
      bytes.subarray(from, to),
    );
    return insertAt(bytes, to, Buffer.concat(copies));
  },
  (bytes, random) => bytes.subarray(0, random.below(bytes.length)),
];

const BY_GRAMMAR = [
  (bytes, random, { dictionary }) =>
    dictionary.length === 0
      ? bytes
      : insertAt(bytes, random.below(bytes.length + 1), Buffer.from(random.pick(dictionary), "latin1")),
  (bytes, random, { corpus }) => {
    const other = random.pick(corpus);
    return Buffer.concat([
      bytes.subarray(0, random.below(bytes.length + 1)),
      other.subarray(random.below(other.length + 1)),
    ]);
  },
  (bytes, random, { corpus }) => Buffer.concat([bytes, random.pick(corpus)]),
  (bytes, random) => substitute(bytes, random, /\d+/g, () => random.pick(NUMBERS)),
  (bytes, random) => substitute(bytes, random, /\r\n|\n|\r/g, () => random.pick(LINE_ENDS)),
  (bytes, random) =>
    substitute(bytes, random, /[A-Za-z]+/g, (word) => (random.chance(0.5) ? word.toUpperCase() : word.toLowerCase())),
  (bytes, random) =>
    substitute(bytes, random, /[:;,=]/g, (mark) =>
      random.pick([`${mark} `, ` ${mark}`, `${mark}${mark}`, `${mark}\t`, ""]),
    ),
  (bytes, random, { corpus, dictionary }) => {
    const lines = bytes.toString("latin1").split("\r\n");
    const from = random.below(lines.length);
    const kind = random.below(4);
    if (kind === 0) lines.splice(from, 1);
    else if (kind === 1) lines.splice(from, 0, lines[random.below(lines.length)]);
    else if (kind === 2) lines.splice(from, 0, random.pick(dictionary.length === 0 ? [""] : dictionary));
    else lines.splice(from, 0, random.pick(random.pick(corpus).toString("latin1").split("\r\n")));
    return Buffer.from(lines.join("\r\n"), "latin1");
  },
];

/** One of `corpus` with one to a few mutations. Corpus entries are Buffers, dictionary words latin1 strings. */
export function mutate(corpus, dictionary, random) {
  let bytes = random.pick(corpus);
  const count = 1 + random.below(random.chance(0.2) ? 8 : 3);
  for (let turn = 0; turn < count; turn += 1) {
    if (bytes.length === 0) bytes = random.pick(corpus);
    if (bytes.length === 0) return bytes;
    bytes = random.pick(random.chance(0.4) ? BY_BYTES : BY_GRAMMAR)(bytes, random, { corpus, dictionary });
    if (bytes.length > 64 * 1024) bytes = bytes.subarray(0, 64 * 1024);
  }
  return bytes;
}

function range(bytes, random) {
  const from = random.below(bytes.length);
  return [from, Math.min(bytes.length, from + 1 + random.below(random.chance(0.5) ? 4 : 64))];
}

function replaceAt(bytes, at, values) {
  const copy = Buffer.from(bytes);
  copy.set(values, at);
  return copy;
}

function insertAt(bytes, at, more) {
  return Buffer.concat([bytes.subarray(0, at), more, bytes.subarray(at)]);
}

/** Replaces one of the matches of `pattern`. */
function substitute(bytes, random, pattern, by) {
  const text = bytes.toString("latin1");
  const matches = [...text.matchAll(pattern)];
  if (matches.length === 0) return bytes;
  const { index, 0: found } = random.pick(matches);
  return Buffer.from(text.slice(0, index) + by(found) + text.slice(index + found.length), "latin1");
}
