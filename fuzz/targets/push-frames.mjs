/**
 * Frames of push clients, and the ids of events that come back: what comes out of JSON has the form that docs/push-protocol.md gives it, and
 * whatever has that form comes out.
 */
import { clientFrameOf, readClientFrame } from "../../packages/sluice/dist/push/protocol/client-frames.js";
import { formatEventId, readEventId } from "../../packages/sluice/dist/push/protocol/position.js";

const FRAMES = [
  { type: "join", room: "news", ref: 1, since: { epoch: "x7F_-", offset: 12 }, history: 5, presence: true },
  { type: "join", room: "é".repeat(128), ref: "r".repeat(64) },
  { type: "publish", room: "news", data: { text: "hi", list: [1, null] }, id: "i".repeat(64), key: "k", ref: 2 },
  { type: "publish", room: "a", data: null },
  { type: "history", room: "news", since: { epoch: "e", offset: 0 }, limit: 1 },
  { type: "history", room: "news", before: 9_007_199_254_740_991, limit: 100 },
  { type: "history", room: "news", since: { epoch: "e", offset: 3 }, before: 9 },
  { type: "leave", room: "news" },
  { type: "presence", room: "🙂", ref: 0.5 },
  { type: "renew", token: "t".repeat(100) },
  { type: "ping", ref: "" },
  { type: "pong" },
  { type: "else", ref: -1 },
];
const IDS = ["x7F_-:12", "news=e:1,%F0%9F%99%82=f:2", "a%2Cb=e:9007199254740991", "=e:1", "%=e:1", "a=e:01"];

export const corpus = [...FRAMES.map((frame) => JSON.stringify(frame)), ...IDS].map((text) => Buffer.from(text));
export const dictionary = [
  '"room":"',
  '"ref":',
  '"since":{"epoch":"e","offset":1}',
  '"history":-1',
  '"presence":1',
  '"data":',
  '"id":""',
  "\\u0000",
  "\\u007f",
  "\\ud800",
  "null",
  "1e400",
  "x".repeat(65),
  "x".repeat(129),
  "%00",
  "9007199254740993",
];

const wellFormed = (text) =>
  [...text].every((character) => {
    const code = character.codePointAt(0);
    return code > 0x1f && !(code >= 0x7f && code <= 0x9f) && !(code >= 0xd800 && code <= 0xdfff);
  });
const named = (value, most) =>
  typeof value === "string" && value.length >= 1 && value.length <= most && wellFormed(value);
const whole = (value, least) => Number.isSafeInteger(value) && value >= least;
const placed = (value) =>
  typeof value === "object" &&
  value !== null &&
  /^[\w-]{1,32}$/.test(value.epoch) &&
  typeof value.epoch === "string" &&
  whole(value.offset, 0);
const may = (value, form) => value === undefined || form(value);

/** The form of each kind, but for `room` and `ref`. */
const FORMS = {
  join: ({ since, history, presence }) =>
    may(since, placed) && may(history, (n) => whole(n, 0)) && may(presence, (given) => typeof given === "boolean"),
  publish: ({ data, id, key }) =>
    data !== undefined && may(id, (text) => named(text, 64)) && may(key, (text) => named(text, 64)),
  history: ({ since, before, limit }) =>
    may(since, placed) &&
    may(before, (n) => whole(n, 0)) &&
    may(limit, (n) => whole(n, 1)) &&
    (since === undefined || before === undefined),
  leave: () => true,
  presence: () => true,
  renew: ({ token }) => typeof token === "string" && token.length <= 16_384,
  ping: () => true,
  pong: () => true,
};
const ROOMLESS = new Set(["renew", "ping", "pong"]);

/** What is to become of a value: its type, "fault", or undefined. */
function expected(value) {
  if (typeof value !== "object" || value === null || Array.isArray(value) || typeof value.type !== "string")
    return undefined;
  const { type, ref, room } = value;
  const hasRef = Number.isFinite(ref) || (typeof ref === "string" && ref.length <= 64);
  if (ref !== undefined && !hasRef) return "fault";
  const fits = Object.hasOwn(FORMS, type) && FORMS[type](value) && (ROOMLESS.has(type) || named(room, 128));
  return fits ? type : "fault";
}

function checkFrame(text) {
  let value;
  try {
    value = JSON.parse(text);
  } catch {
    value = undefined;
  }
  const frame = readClientFrame(text);
  const wanted = expected(value);
  if (frame?.type !== wanted) throw new Error(`${wanted} was read as ${frame?.type}`);
  if (JSON.stringify(clientFrameOf(value)) !== JSON.stringify(frame)) throw new Error("Parsed, it is another frame");
  if (frame === undefined || frame.type === "fault") return;
  const { type, ...given } = frame;
  for (const [name, taken] of Object.entries(given)) {
    const sent = value[name] ?? (name === "history" && type === "join" ? 0 : name === "presence" ? false : value[name]);
    if (JSON.stringify(taken) !== JSON.stringify(sent)) throw new Error(`${name} is ${JSON.stringify(taken)}`);
  }
}

function checkId(id) {
  const positions = readEventId(id, "only");
  for (const [room, position] of positions) {
    if (!named(room, 128) || !placed(position)) throw new Error(`A position ${room} ${JSON.stringify(position)}`);
  }
  const again = readEventId(formatEventId(positions), undefined);
  if (JSON.stringify([...again]) !== JSON.stringify([...positions])) throw new Error("The id is read otherwise");
}

export function run(input) {
  const text = input.toString("utf8");
  checkFrame(text);
  checkId(text);
}
