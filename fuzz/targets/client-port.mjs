/** A client under mutated responses: every request ends, with an answer or an error of the library; at the end it works. */
import { createServer } from "node:net";
import { ClientSession, isSluiceError } from "../../packages/sluice/dist/index.js";
import { responseCorpus, wireDictionary } from "../lib/wire-corpus.mjs";

export const corpus = responseCorpus;
export const dictionary = [
  ...wireDictionary,
  "Content-Encoding: gzip",
  "Location: /other",
  "Set-Cookie: a=b",
  "Content-Type: application/json",
];

const LANES = 12;
const MOST_MS = 250;
const WAYS = [
  (request) => request.text(),
  (request) => request.bytes(),
  (request) => request.json(),
  async (request) => (await request).discard(),
];
const METHODS = ["GET", "GET", "HEAD", "POST"];
const GOOD = Buffer.from("HTTP/1.1 200 OK\r\nContent-Length: 4\r\nConnection: close\r\n\r\nfine");

const lanes = new Set();
const failures = [];
const answers = new Map();
let server;
let session;
let url;
let count = 0;

export async function start() {
  server = createServer((socket) => {
    socket.on("error", () => undefined);
    socket.on("data", (bytes) => {
      const key = /^\w+ \/(\d+)/.exec(bytes.toString("latin1"))?.[1];
      const answer = key === undefined ? GOOD : (answers.get(key) ?? GOOD);
      const cut = answer.length >> 1;
      socket.write(answer.subarray(0, cut));
      setImmediate(() =>
        answer.length % 3 === 0 ? socket.end(answer.subarray(cut)) : socket.write(answer.subarray(cut)),
      );
    });
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  url = `http://127.0.0.1:${server.address().port}`;
  session = new ClientSession({ maxRedirects: 3, unreadTimeout: MOST_MS, maxResponseSize: 1_000_000 });
}

export async function run(input, random) {
  count += 1;
  if (count % 200 === 0) await checkWorks();
  while (lanes.size >= LANES) await Promise.race(lanes);
  const lane = asked(input, String(count), random.pick(METHODS), random.pick(WAYS)).then(() => lanes.delete(lane));
  lanes.add(lane);
  if (failures.length > 0) throw failures[0];
}

export async function finish() {
  await Promise.all(lanes);
  await checkWorks();
  if (failures.length > 0) throw failures[0];
  await session.close();
  await new Promise((resolve) => server.close(resolve));
}

async function checkWorks() {
  const text = await session.get(`${url}/fine`, { timeout: 20_000 }).text();
  if (text !== "fine") throw new Error(`The client read ${text}`);
}

async function asked(input, key, method, consume) {
  answers.set(key, input);
  try {
    await consume(session.request(method, `${url}/${key}`, { timeout: MOST_MS }));
  } catch (error) {
    if (!isSluiceError(error)) failures.push(error);
  } finally {
    answers.delete(key);
  }
}
