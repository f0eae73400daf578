import fc from "fast-check";
import { expect, test } from "vitest";
import type { Answer } from "../../src/wire/answer.js";
import type { Http1Exchange } from "../../src/wire/http1-exchange.js";
import { answer, DATE, get, inMemory, post, serve, streamed } from "./server-link-setup.js";

/** One request, and how its handler behaves. */
interface Step {
  readonly body: string | undefined;
  readonly chunked: boolean;
  /** Turns of the event loop that the handler takes; 0 answers at once. */
  readonly turns: number;
  readonly kind: "text" | "utf8" | "bytes" | "stream" | "large" | "none";
  readonly reads: boolean;
}

const step: fc.Arbitrary<Step> = fc.record({
  body: fc.option(fc.string({ unit: fc.constantFrom("a", "b", "\r", "\n", "0"), maxLength: 40 }), { nil: undefined }),
  chunked: fc.boolean(),
  turns: fc.nat(3),
  kind: fc.constantFrom("text", "utf8", "bytes", "stream", "large", "none"),
  reads: fc.boolean(),
});

const LARGE = "L".repeat(70_000);

function wireOf({ body, chunked }: Step, index: number): string {
  if (body === undefined) return get(`/${index}`);
  if (!chunked) return post(`/${index}`, body);
  const half = Math.ceil(body.length / 2);
  const chunks = [body.slice(0, half), body.slice(half)].filter((piece) => piece !== "");
  const framed = chunks.map((piece) => `${piece.length.toString(16)}\r\n${piece}\r\n`).join("");
  return `POST /${index} HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n${framed}0\r\n\r\n`;
}

function expectedText({ kind, reads, body }: Step, index: number): string {
  const text = reads ? `${index}:${body ?? ""}` : `${index}`;
  if (kind === "none") return "";
  if (kind === "utf8") return `${text}ü`;
  return kind === "large" ? text + LARGE : text;
}

function answerOf(kind: Step["kind"], text: string): Answer {
  switch (kind) {
    case "none":
      return answer(204);
    case "bytes":
      return answer(200, inMemory(new Uint8Array(Buffer.from(text))));
    case "stream":
      return answer(
        200,
        streamed(async function* () {
          for (const char of text) yield Buffer.from(char);
        }, Buffer.byteLength(text)),
      );
    default:
      return answer(200, text);
  }
}

/** Cuts `wire` at the given fractions of its length. */
function cut(wire: string, fractions: readonly number[]): string[] {
  const at = [...fractions.map((fraction) => Math.floor(fraction * wire.length)), wire.length].sort((a, b) => a - b);
  return at.map((end, index) => wire.slice(index === 0 ? 0 : at[index - 1], end)).filter((piece) => piece !== "");
}

const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

test("whatever the requests, the cuts, the handlers and the queue: every answer is there, whole and in order", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { minLength: 1, maxLength: 12 }),
      fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 12 }),
      fc.record({ maxPipelined: fc.integer({ min: 1, max: 5 }), bufferBytes: fc.integer({ min: 1, max: 30 }) }),
      fc.boolean(),
      async (steps, fractions, settings, lends) => {
        const handler = async (exchange: Http1Exchange): Promise<Answer> => {
          const index = Number(exchange.target.slice(1));
          const asked = steps[index];
          if (asked === undefined) throw new Error("A request that nobody sent");
          const body = asked.reads ? exchange.body.text() : undefined;
          for (let turns = 0; turns < asked.turns; turns += 1) await turn();
          const text = body === undefined ? undefined : await body;
          return answerOf(asked.kind, expectedText({ ...asked, body: text ?? asked.body }, index));
        };
        const served = serve(handler, settings, { lends });
        const pieces = cut(steps.map(wireOf).join(""), fractions);
        let written = "";
        for (const piece of pieces) {
          written += served.packets(piece);
          await turn();
        }
        for (let waits = 0; waits < 100 && served.phases.at(-1) !== "idle"; waits += 1) written += await served.later();
        written += served.transport.takeWritten();
        const expected = steps.map((asked, index) => {
          if (asked.kind === "none") return `HTTP/1.1 204 No Content\r\n${DATE}\r\n`;
          const text = Buffer.from(expectedText(asked, index));
          return `HTTP/1.1 200 OK\r\n${DATE}Content-Length: ${text.length}\r\n\r\n${text.toString("latin1")}`;
        });
        expect(written).toBe(expected.join(""));
        expect(served.errors).toEqual([]);
        expect(served.transport.paused).toBe(false);
      },
    ),
    { numRuns: 150 },
  );
});

test("whatever bytes come: no exception, every answer begins with a status line, and an end is an end", async () => {
  const fragment = fc.constantFrom(
    get("/"),
    post("/", "abc"),
    "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n",
    "3\r\nabc\r\n",
    "0\r\n\r\n",
    "GET / HTTP/1.0\r\n\r\n",
    "CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n",
    get("/", "Connection: upgrade\r\nUpgrade: x\r\n"),
    post("/", "ab", "Expect: 100-continue\r\n"),
    "\r\n",
    "\n",
    "junk",
    "\0",
  );
  await fc.assert(
    fc.asyncProperty(
      fc.array(fragment, { maxLength: 12 }),
      fc.boolean(),
      fc.boolean(),
      async (fragments, slow, ends) => {
        const served = serve(async (exchange) => {
          if (slow) await turn();
          const text = await exchange.body.text().catch(() => "broken");
          return answer(exchange.method === "CONNECT" ? 405 : 200, text);
        });
        let written = "";
        for (const piece of fragments) written += served.packets(piece);
        if (ends) written += served.end();
        written += await served.later();
        written += await served.later();
        expect(written === "" || written.startsWith("HTTP/1.1 ")).toBe(true);
        expect(served.errors).toEqual([]);
        if (ends) expect(served.closed).toBe(1);
        served.link.destroy();
        served.transport.flush();
        expect(served.closed).toBe(1);
      },
    ),
    { numRuns: 200 },
  );
});
