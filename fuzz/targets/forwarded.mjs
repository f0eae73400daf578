/** What proxies, or liars, say about the client. */
import { isIP } from "node:net";
import { ProxyTrust } from "../../packages/sluice/dist/server/trust-proxy.js";

const TEXTS = [
  'for=192.0.2.60;proto=http;by=203.0.113.43, for="[2001:db8::1]:80";host=example.com',
  "192.0.2.1, 10.0.0.1, 2001:db8::1",
  "for=unknown, for=_hidden;proto=https",
  "https, http",
  "example.com:8080, a",
  "::ffff:10.0.0.1, [::1]:9, 300.1.1.1",
];

export const corpus = TEXTS.map((text) => Buffer.from(text, "latin1"));
export const dictionary = [
  "for=",
  '"',
  "\\",
  ";",
  ",",
  "[",
  "]",
  "proto=https",
  "host=",
  "10.0.0.1",
  "::1",
  "::ffff:",
  "%eth0",
  "for=".repeat(50),
  ",".repeat(200),
];

const trusts = [
  new ProxyTrust(["10.0.0.0/8", "::1/128"]),
  new ProxyTrust({ from: ["0.0.0.0/0", "::/0"], fields: ["forwarded"] }),
];

export function run(input, random) {
  const text = input.toString("latin1");
  const names = ["Forwarded", "X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host"];
  const fields = names.filter(() => random.chance(0.7)).flatMap((name) => [name, text]);
  for (const trust of trusts) {
    const view = trust.view("10.1.1.1", fields);
    if (view.address !== undefined && isIP(view.address) === 0)
      throw new Error(`The address ${JSON.stringify(view.address)}`);
    if (view.scheme !== undefined && view.scheme !== "http" && view.scheme !== "https")
      throw new Error(`The scheme ${view.scheme}`);
    if (view.host !== undefined && /[\s/@?#\\]/.test(view.host))
      throw new Error(`The host ${JSON.stringify(view.host)}`);
  }
}
