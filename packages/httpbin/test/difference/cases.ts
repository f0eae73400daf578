/** The requests that both servers are asked. */
import { gzipSync } from "node:zlib";
import type { Asked } from "../ask.js";

export interface Case extends Asked {
  /** How the table of differences calls it; the method and path unless another case has the same. */
  readonly name: string;
  /** What the body is compared as: JSON where both say so, otherwise bytes. `lines`: JSON on each line; `length`: only how long. */
  readonly compare?: "lines" | "length";
}

type Extras = Omit<Case, "method" | "path" | "name">;

function a(methodAndPath: string, extras: Extras = {}, remark = ""): Case {
  const [method = "", path = ""] = methodAndPath.split(" ");
  return { ...extras, method, path, name: remark === "" ? methodAndPath : `${methodAndPath} (${remark})` };
}

const JSON_TYPE = { "Content-Type": "application/json" };
const FORM_TYPE = { "Content-Type": "application/x-www-form-urlencoded" };
const MULTIPART_TYPE = { "Content-Type": "multipart/form-data; boundary=xyz" };
const MULTIPART =
  '--xyz\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n--xyz\r\nContent-Disposition: form-data; name="f"; filename="f.txt"\r\n\r\nfile\r\n--xyz--\r\n';

function basic(user: string, passwd: string): Record<string, string> {
  return { Authorization: `Basic ${Buffer.from(`${user}:${passwd}`).toString("base64")}` };
}

const INSPECT: readonly Case[] = [
  a("GET /get"),
  a("GET /get?a=1&b=2&a=3&empty=&flag"),
  a("GET /get?q=a%20b+c%26d&caf%C3%A9=%E2%82%AC"),
  a("GET /get", { headers: { "X-My-Header": "1", accept: "text/*", "X-Twice": ["a", "b"] } }, "headers"),
  a("GET /get", { headers: { "X-Forwarded-For": "192.0.2.1" } }, "X-Forwarded-For"),
  a("GET /get", { headers: { "X-Forwarded-Proto": "https" } }, "X-Forwarded-Proto"),
  a("GET /get", { headers: { Origin: [] } }, "no Origin"),
  a("HEAD /get"),
  a("OPTIONS /get"),
  a(
    "OPTIONS /post",
    { headers: { "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "x-a, x-b" } },
    "preflight",
  ),
  a("POST /get"),
  a("GET /post"),
  a("POST /post"),
  a("POST /post", { headers: JSON_TYPE, body: '{"a":[1,2.5,null,true,"ü"]}' }, "JSON"),
  a("POST /post", { headers: JSON_TYPE, body: '{"a":' }, "broken JSON"),
  a("POST /post", { headers: FORM_TYPE, body: "a=1&b=2&a=3&c=%20+x" }, "form"),
  a("POST /post", { headers: { "Content-Type": "text/plain" }, body: "[1]" }, "JSON as text"),
  a("POST /post", { body: Uint8Array.of(0xff, 0xfe, 0) }, "bytes"),
  a("POST /post", { headers: MULTIPART_TYPE, body: MULTIPART }, "multipart"),
  a("POST /post", { headers: { "Content-Encoding": "gzip" }, body: gzipSync("hello") }, "gzip"),
  a("POST /post", { headers: { "Transfer-Encoding": "chunked" }, body: "hello", chunked: true }, "chunked"),
  a("PUT /put", { body: "text" }),
  a("PATCH /patch", { body: "text" }),
  a("DELETE /delete", { body: "text" }),
  a("GET /anything/at/all?a=1"),
  a("PUT /anything", { body: "text" }),
  a("TRACE /anything"),
  a("QUERY /anything", { body: "text" }),
  a("GET /headers", { headers: { "X-A": "1" } }),
  a("GET /headers", { headers: { Via: "1.1 example", "X-Request-Id": "7" } }, "proxy headers"),
  a("GET /ip"),
  a("GET /user-agent", { headers: { "User-Agent": "tester/1" } }),
  a("GET /user-agent", {}, "none"),
];

const STATUS: readonly Case[] = [
  ...[
    200, 201, 204, 205, 300, 301, 302, 303, 304, 305, 307, 308, 400, 401, 402, 403, 404, 406, 407, 418, 429, 500, 503,
    599,
  ].map((status) => a(`GET /status/${status}`)),
  a("POST /status/404", { body: "text" }),
  a("DELETE /status/500"),
  a("HEAD /status/418"),
  a("GET /status/200:1,404:0"),
  a("GET /status/abc"),
  a("GET /status/200,abc"),
  a("GET /status/600"),
  a("GET /response-headers?X-A=1&X-B=2&X-A=3"),
  a("POST /response-headers?X-A=1"),
  a("GET /response-headers?Content-Type=text%2Fplain&x=%3C"),
];

const REDIRECTS: readonly Case[] = [
  a("GET /redirect/1"),
  a("GET /redirect/3"),
  a("HEAD /redirect/3"),
  a("GET /redirect/3?absolute=true"),
  a("GET /redirect/0"),
  a("GET /redirect/x"),
  a("GET /relative-redirect/1"),
  a("GET /relative-redirect/3"),
  a("GET /absolute-redirect/1"),
  a("GET /absolute-redirect/3"),
  a("GET /redirect-to?url=http%3A%2F%2Fexample.com%2F%3Fa%3Db"),
  a("GET /redirect-to?URL=/get&Status_Code=307"),
  a("POST /redirect-to?url=/post&status_code=308"),
  a("GET /redirect-to?url=/get&status_code=500"),
  a("GET /redirect-to"),
];

const COOKIES: readonly Case[] = [
  a("GET /cookies"),
  a("GET /cookies", { headers: { Cookie: "a=1; b=two; a=3" } }, "some"),
  a("GET /cookies", { headers: { Cookie: "a=1; __utmz=2" } }, "analytics"),
  a("GET /cookies/set?a=1&b=2"),
  a("GET /cookies/set/name/value"),
  a("GET /cookies/set?a=x%20y"),
  a("GET /cookies/delete?a&b="),
];

const AUTH: readonly Case[] = [
  a("GET /basic-auth/user/passwd"),
  a("GET /basic-auth/user/passwd", { headers: basic("user", "passwd") }, "right"),
  a("GET /basic-auth/user/passwd", { headers: basic("user", "wrong") }, "wrong"),
  a("GET /basic-auth/us%20er/p%C3%A4ss", { headers: basic("us er", "päss") }),
  a("GET /hidden-basic-auth/user/passwd"),
  a("GET /hidden-basic-auth/user/passwd", { headers: basic("user", "passwd") }, "right"),
  a("GET /bearer"),
  a("GET /bearer", { headers: { Authorization: "Bearer token-1" } }, "token"),
  a("GET /bearer", { headers: { Authorization: "Bearer earnest" } }, "token of the letters of Bearer"),
  a("GET /bearer", { headers: basic("user", "passwd") }, "basic"),
  a("GET /digest-auth/auth/user/passwd"),
];

const CONTENT: readonly Case[] = [
  a("GET /"),
  a("GET /html"),
  a("GET /json"),
  a("GET /xml"),
  a("GET /robots.txt"),
  a("GET /deny"),
  a("GET /encoding/utf8"),
  a("GET /forms/post"),
  a("GET /gzip"),
  a("GET /deflate"),
  a("GET /brotli"),
  a("HEAD /gzip"),
  a("GET /zstd"),
  a("GET /image"),
  a("GET /image", { headers: { Accept: "image/webp, image/png" } }, "WebP, PNG"),
  a("GET /image", { headers: { Accept: "image/jpeg" } }, "JPEG"),
  a("GET /image", { headers: { Accept: "image/svg+xml" } }, "SVG"),
  a("GET /image", { headers: { Accept: "image/*" } }, "any image"),
  a("GET /image", { headers: { Accept: "*/*" } }, "anything"),
  a("GET /image", { headers: { Accept: "image/webp;q=0.1, image/png" } }, "rather PNG"),
  a("GET /image", { headers: { Accept: "text/plain" } }, "text"),
  a("GET /image/png"),
  a("GET /image/jpeg"),
  a("GET /image/svg"),
  a("GET /image/webp"),
];

const CACHING: readonly Case[] = [
  a("GET /cache"),
  a("GET /cache", { headers: { "If-None-Match": '"x"' } }, "If-None-Match"),
  a("GET /cache", { headers: { "If-Modified-Since": "Sun, 06 Nov 1994 08:49:37 GMT" } }, "If-Modified-Since"),
  a("GET /cache/60"),
  a("GET /cache/x"),
  a("GET /etag/abc"),
  a("GET /etag/abc", { headers: { "If-None-Match": '"x", W/"abc"' } }, "If-None-Match"),
  a("GET /etag/abc", { headers: { "If-None-Match": '"x"' } }, "If-None-Match, another"),
  a("GET /etag/abc", { headers: { "If-None-Match": "*" } }, "If-None-Match, any"),
  a("GET /etag/abc", { headers: { "If-Match": '"abc"' } }, "If-Match"),
  a("GET /etag/abc", { headers: { "If-Match": '"x"' } }, "If-Match, another"),
];

const BYTES_AND_TIME: readonly Case[] = [
  a("GET /bytes/16", { compare: "length" }),
  a("GET /bytes/2000?seed=5"),
  a("GET /bytes/16?Seed=123456789012"),
  a("GET /bytes/16?seed=-5"),
  a("GET /bytes/0"),
  a("GET /bytes/x"),
  a("GET /bytes/16?seed=x"),
  a("GET /bytes/200000", { compare: "length" }),
  a("HEAD /bytes/16"),
  a("GET /stream-bytes/2000?seed=5&chunk_size=700"),
  a("GET /stream-bytes/20", { compare: "length" }),
  a("GET /range/100"),
  a("GET /range/100?chunk_size=7&duration=0.1"),
  a("GET /range/100", { headers: { Range: "bytes=10-19" } }, "middle"),
  a("GET /range/100", { headers: { Range: "bytes=90-" } }, "end"),
  a("GET /range/100", { headers: { Range: "bytes=-5" } }, "last bytes"),
  a("GET /range/100", { headers: { Range: "bytes=0-99" } }, "all"),
  a("GET /range/100", { headers: { Range: "bytes=90-200" } }, "beyond the end"),
  a("GET /range/100", { headers: { Range: "bytes=100-" } }, "outside"),
  a("GET /range/100", { headers: { Range: "bytes=20-10" } }, "backwards"),
  a("GET /range/100", { headers: { Range: "lines=1-2" } }, "other unit"),
  a("GET /range/0"),
  a("GET /range/200000", { compare: "length" }),
  a("GET /stream/3", { compare: "lines" }),
  a("GET /stream/200", { compare: "lines" }),
  a("GET /delay/0.1?a=1"),
  a("POST /delay/0", { body: "text" }),
  a("GET /delay/x"),
  a("GET /drip?numbytes=5&duration=0.1"),
  a("GET /drip?numbytes=5&duration=0.1&code=500&delay=0.1"),
  a("GET /drip?numbytes=0"),
  a("GET /uuid"),
  a("GET /base64/aGVsbG8g4oKs"),
  a("GET /base64/_-8="),
  a("GET /links/4"),
  a("GET /links/4/1"),
  a("GET /links/0/0"),
  a("GET /links/300/0"),
];

const OURS: readonly Case[] = [
  a("GET /flaky?fail=0"),
  a("GET /rate-limited"),
  a("GET /slow?delay=0&duration=0"),
  a("GET /close?at=body", { compare: "length" }),
  a("GET /nothing-here"),
];

export const CASES: readonly Case[] = [
  ...INSPECT,
  ...STATUS,
  ...REDIRECTS,
  ...COOKIES,
  ...AUTH,
  ...CONTENT,
  ...CACHING,
  ...BYTES_AND_TIME,
  ...OURS,
];
