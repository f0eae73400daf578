/** `Cookie` and `Set-Cookie`, and the jar. */

import { UsageError } from "../../packages/sluice/dist/errors.js";
import { parseCookieHeader, serializeSetCookie } from "../../packages/sluice/dist/http/cookies.js";
import { CookieJar } from "../../packages/sluice/dist/index.js";

const TEXTS = [
  "a=b; c=d",
  'a="quoted"; =x; y; z==',
  "id=1; Path=/; Domain=example.com; Expires=Wed, 21 Oct 2065 07:28:00 GMT; Secure; HttpOnly; SameSite=Lax",
  "__Host-a=b; Path=/; Secure",
  "a=b; Max-Age=-1; Max-Age=99999999999999999999; Path=..; Domain=.com; Expires=never",
];
const URLS = ["https://www.example.com/a/b", "http://127.0.0.1:80/", "http://[::1]/", "http://localhost/"].map(
  (url) => new URL(url),
);

export const corpus = TEXTS.map((text) => Buffer.from(text, "latin1"));
export const dictionary = [
  "; ",
  "=",
  "Domain=",
  "Path=/",
  "Expires=",
  "Max-Age=0",
  "Secure",
  "SameSite=None",
  "Partitioned",
  "\t",
  '"',
  "\x7f",
  "__Secure-",
  "__proto__=1",
];

const jar = new CookieJar();

export async function start() {
  await jar.set("http://localhost/", "warm", "up");
}

export async function run(input, random) {
  const text = input.toString("latin1");
  for (const [name, value] of parseCookieHeader(text)) {
    if (name === "") throw new Error("A cookie without a name");
    try {
      const line = serializeSetCookie(name, value);
      if (parseCookieHeader(line).get(name) !== value.replace(/^"(.*)"$/, "$1"))
        throw new Error(`${line} is read otherwise`);
    } catch (error) {
      if (!(error instanceof UsageError)) throw error;
    }
  }
  const url = random.pick(URLS);
  await jar.store(url, [text, text.slice(random.below(text.length + 1))]);
  const header = jar.cookieHeader(url);
  if (header !== undefined && /[^\t -~\x80-\xff]/.test(header))
    throw new Error(`The jar sends ${JSON.stringify(header)}`);
  if (jar.size > 100) jar.clear();
}
