/** HTTP messages to begin with: llhttp's test vectors, and some of our own. */
import { readFileSync } from "node:fs";

const vectors = JSON.parse(
  readFileSync(new URL("../../packages/sluice/test/fixtures/llhttp-vectors.json", import.meta.url), "utf8"),
);

const OWN_REQUESTS = [
  "GET / HTTP/1.1\r\nHost: example.com\r\n\r\n",
  "POST /a?b HTTP/1.1\r\nHost: [::1]:80\r\nContent-Length: 5\r\n\r\nhelloGET / HTTP/1.0\r\n\r\n",
  "PUT /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\n5;n=v\r\nhello\r\n0\r\nX-T: 1\r\n\r\n",
  "OPTIONS * HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, upgrade\r\nUpgrade: websocket\r\n\r\n",
  "CONNECT a.example:443 HTTP/1.1\r\nHost: a.example:443\r\n\r\nbytes",
];
const OWN_RESPONSES = [
  "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nSet-Cookie: a=b\r\nSet-Cookie: c=d; Path=/\r\n\r\nhello",
  "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n",
  "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\na\r\n0123456789\r\n0\r\nDigest: x\r\n\r\n",
  "HTTP/1.0 200 \r\n\r\nuntil the end",
  "HTTP/1.1 304 Not Modified\r\nContent-Length: 900\r\n\r\nHTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\nbytes",
];

const wiresOf = (type) =>
  vectors.filter((vector) => vector.type === type).map(({ input }) => Buffer.from(input, "base64"));

export const requestCorpus = [...OWN_REQUESTS.map((text) => Buffer.from(text, "latin1")), ...wiresOf("request")];
export const responseCorpus = [...OWN_RESPONSES.map((text) => Buffer.from(text, "latin1")), ...wiresOf("response")];

export const wireDictionary = [
  "Content-Length: 5",
  "Content-Length: 5, 5",
  "Transfer-Encoding: chunked",
  "Transfer-Encoding: identity",
  "Transfer-Encoding: chunked, gzip",
  "Connection: close",
  "Connection: keep-alive",
  "Host: example.com",
  "Host:",
  "Expect: 100-continue",
  " HTTP/1.1",
  "HTTP/1.1 ",
  "0\r\n\r\n",
  "\r\n",
  "\n",
  " ",
  "\t",
  "\0",
];
