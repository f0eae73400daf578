/**
 * The server that clients are measured against: node:net and as little as can be, so that it is never what limits them. It does look
 * at what it is asked, so that no client gets away with less than the whole.
 *
 *   GET /text       13 bytes of text           GET /fields/N   the same, after N more field lines
 *   GET /cookie     the same, for who has one  POST /orders    a receipt for the order of the POST rows
 */
import { type AddressInfo, createServer, type Socket } from "node:net";
import { serveOrders } from "../harness/serve-orders.js";
import { HELLO, ORDER_TEXT, RECEIPT } from "../workloads.js";

/** What the process can be told. */
export interface TargetOrders {
  listen(order: null): Promise<{ readonly origin: string }>;
}

const HEAD_END = "\r\n\r\n";
const LENGTH = /\r\ncontent-length: ?(\d+)\r\n/i;
const COOKIE = /\r\ncookie: ?session=0123456789abcdef\r\n/i;
const TEXT = answerOf("200 OK", "text/plain; charset=utf-8", HELLO);
const RECEIVED = answerOf("200 OK", "application/json", JSON.stringify(RECEIPT));
const REFUSED = answerOf("400 Bad Request", "text/plain", "Not what was agreed upon");
const MANY_FIELDS = new Map<string, string>();

const server = createServer({ noDelay: true }, serve);

serveOrders<TargetOrders>({
  listen: () =>
    new Promise((resolve) => {
      server.listen(0, "127.0.0.1", 4_096, () =>
        resolve({ origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}` }),
      );
    }),
});

function serve(socket: Socket): void {
  let rest = "";
  socket.setEncoding("latin1");
  socket.on("data", (piece: string) => {
    const text = rest === "" ? piece : rest + piece;
    let at = 0;
    let answers = "";
    while (at < text.length) {
      const headEnd = text.indexOf(HEAD_END, at);
      if (headEnd === -1) break;
      const head = text.slice(at, headEnd + 2);
      const bodyStart = headEnd + HEAD_END.length;
      const bodyEnd = bodyStart + (head.startsWith("POST") ? Number(LENGTH.exec(head)?.[1]) : 0);
      if (text.length < bodyEnd) break;
      answers += answerTo(head, text.slice(bodyStart, bodyEnd));
      at = bodyEnd;
    }
    rest = text.slice(at);
    if (answers !== "") socket.write(answers, "latin1");
  });
  // A client that ends in the middle of a run is the bench ending it.
  socket.on("error", () => socket.destroy());
}

function answerTo(head: string, body: string): string {
  if (head.startsWith("GET /text ")) return TEXT;
  if (head.startsWith("POST /orders ")) return body === ORDER_TEXT ? RECEIVED : REFUSED;
  if (head.startsWith("GET /cookie ")) return COOKIE.test(head) ? TEXT : REFUSED;
  const count = /^GET (?:\/fields\/)(\d+) /.exec(head)?.[1];
  return count === undefined ? REFUSED : textAfter(count);
}

function textAfter(count: string): string {
  let answer = MANY_FIELDS.get(count);
  if (answer === undefined) {
    const lines = Array.from({ length: Number(count) }, (_, at) => `X-Field-${at}: value number ${at}\r\n`);
    answer = TEXT.replace(HEAD_END, `\r\n${lines.join("")}\r\n`);
    MANY_FIELDS.set(count, answer);
  }
  return answer;
}

function answerOf(status: string, type: string, body: string): string {
  const fields = [
    `HTTP/1.1 ${status}`,
    `Content-Type: ${type}`,
    `Content-Length: ${body.length}`,
    "Date: Sun, 06 Nov 1994 08:49:37 GMT",
    "Connection: keep-alive",
  ];
  return fields.join("\r\n") + HEAD_END + body;
}
