import { describe, expect, test } from "vitest";
import { Application } from "../../../src/server/application.js";
import { CSP_NONCE, cspNonce } from "../../../src/server/middleware/security/content-security-policy.js";
import { type SecurityHeadersOptions, securityHeaders } from "../../../src/server/middleware/security-headers.js";
import { reply } from "../../../src/server/reply-kinds.js";
import { ask, type FakeRequest } from "../fake-exchange.js";

const DEFAULT_POLICY =
  "default-src 'self'; base-uri 'self'; font-src 'self' https: data:; form-action 'self'; frame-ancestors 'self'; " +
  "img-src 'self' data:; object-src 'none'; script-src 'self'; script-src-attr 'none'; style-src 'self' https: 'unsafe-inline'";

async function headersOf(options: SecurityHeadersOptions, target = "/", given: FakeRequest = {}) {
  const app = new Application({ onError: () => undefined, trustProxy: ["10.0.0.1"] });
  app.use(securityHeaders(options));
  app.get("/", () => "x");
  app.get("/own", () => reply.text("x", { headers: { "x-frame-options": "DENY", "Content-Security-Policy": "own" } }));
  app.get("/page", (request) => reply.html(`<script nonce="${cspNonce(request)}${cspNonce(request)}">`));
  app.get("/fails", () => {
    throw new Error("x");
  });
  const answer = await ask(app.dispatch, "GET", target, given);
  const { "content-type": _type, ...headers } = answer.headers;
  return { headers, text: answer.text, status: answer.status };
}

describe("by default", () => {
  const others = {
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "origin-agent-cluster": "?1",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-dns-prefetch-control": "off",
    "x-download-options": "noopen",
    "x-frame-options": "SAMEORIGIN",
    "x-permitted-cross-domain-policies": "none",
    "x-xss-protection": "0",
  };

  test("over http: all but what needs TLS", async () => {
    expect((await headersOf({})).headers).toEqual({ "content-security-policy": DEFAULT_POLICY, ...others });
  });

  test("over https: transport security, and requests are upgraded", async () => {
    expect((await headersOf({}, "/", { secure: true })).headers).toEqual({
      "content-security-policy": `${DEFAULT_POLICY}; upgrade-insecure-requests`,
      "strict-transport-security": "max-age=31536000; includeSubDomains",
      ...others,
    });
  });

  test("https is what a trusted proxy says, and nobody else", async () => {
    const fields = ["X-Forwarded-Proto", "https"];
    const trusted = await headersOf({}, "/", { fields, remoteAddress: "10.0.0.1" });
    expect(trusted.headers["strict-transport-security"]).toBeDefined();
    const claimed = await headersOf({}, "/", { fields, remoteAddress: "192.0.2.1" });
    expect(claimed.headers["strict-transport-security"]).toBeUndefined();
  });

  test("404s and faults have them, too", async () => {
    for (const [target, status] of [
      ["/nowhere", 404],
      ["/fails", 500],
    ] as const) {
      const answer = await headersOf({}, target);
      expect(answer.status).toBe(status);
      expect(answer.headers).toMatchObject(others);
    }
  });

  test("what a handler says itself stays, as does the stricter policy of an error's page", async () => {
    const { headers } = await headersOf({}, "/own");
    expect(headers["x-frame-options"]).toBe("DENY");
    expect(headers["content-security-policy"]).toBe("own");
    const page = await headersOf({}, "/nowhere", { fields: ["Accept", "text/html"] });
    expect(page.headers["content-security-policy"]).toBe("default-src 'none'");
  });
});

describe("options", () => {
  test("change and leave out fields", async () => {
    const { headers } = await headersOf(
      {
        contentSecurityPolicy: false,
        strictTransportSecurity: { maxAgeSeconds: 63_072_000, preload: true },
        crossOriginEmbedderPolicy: "require-corp",
        crossOriginResourcePolicy: "cross-origin",
        permissionsPolicy: "camera=()",
        frameOptions: "DENY",
        crossOriginOpenerPolicy: false,
        originAgentCluster: false,
        referrerPolicy: false,
        contentTypeOptions: false,
        dnsPrefetchControl: false,
        downloadOptions: false,
        permittedCrossDomainPolicies: false,
        xssProtection: false,
      },
      "/",
      { secure: true },
    );
    expect(headers).toEqual({
      "strict-transport-security": "max-age=63072000; includeSubDomains; preload",
      "cross-origin-embedder-policy": "require-corp",
      "cross-origin-resource-policy": "cross-origin",
      "permissions-policy": "camera=()",
      "x-frame-options": "DENY",
    });
  });

  test.each<[string, object, string]>([
    ["an unknown option", { frames: "DENY" }, "options/unknown"],
    ["an unknown option of the policy", { contentSecurityPolicy: { "script-src": [] } }, "options/unknown"],
    ["an unknown option of transport security", { strictTransportSecurity: { maxAge: 1 } }, "options/unknown"],
    ["a value that no field can carry", { frameOptions: "a\nb" }, "headers/value-invalid"],
    [
      "preload without a year",
      { strictTransportSecurity: { preload: true, maxAgeSeconds: 1 } },
      "options/unknown-value",
    ],
    ["an age below zero", { strictTransportSecurity: { maxAgeSeconds: -1 } }, "options/out-of-range"],
  ])("%s is refused", (_name, options, code) => {
    expect(() => securityHeaders(options)).toThrow(expect.objectContaining({ code }));
  });
});

describe("the content security policy", () => {
  const policy = (contentSecurityPolicy: SecurityHeadersOptions["contentSecurityPolicy"]) =>
    headersOf({ ...(contentSecurityPolicy === undefined ? {} : { contentSecurityPolicy }) });

  test("adds to the default directives, replaces and leaves them out", async () => {
    const directives = { "img-src": ["'self'", "https://images.example"], "style-src": false, sandbox: [] } as const;
    const text = (await policy({ directives })).headers["content-security-policy"];
    expect(text).toContain("img-src 'self' https://images.example");
    expect(text).not.toContain("style-src");
    expect(text?.endsWith("; sandbox")).toBe(true);
  });

  test("has nothing but what is given without defaults, and can only report", async () => {
    const { headers } = await policy({
      directives: { "default-src": ["'none'"] },
      useDefaults: false,
      reportOnly: true,
    });
    expect(headers["content-security-policy-report-only"]).toBe("default-src 'none'");
    expect(headers["content-security-policy"]).toBeUndefined();
  });

  test("has a nonce for each request, the one that its page has", async () => {
    const options = { contentSecurityPolicy: { directives: { "script-src": ["'self'", CSP_NONCE] } } };
    const [one, other] = [await headersOf(options, "/page"), await headersOf(options, "/page")];
    const nonceOf = (answer: { headers: Record<string, string> }) =>
      /script-src 'self' 'nonce-([0-9a-f]{32})'/.exec(answer.headers["content-security-policy"] ?? "")?.[1] ?? "none";
    expect(one.text).toContain(`"${nonceOf(one)}${nonceOf(one)}"`);
    expect(nonceOf(other)).toMatch(/^[0-9a-f]{32}$/);
    expect(nonceOf(other)).not.toBe(nonceOf(one));
  });

  test.each<[string, Record<string, readonly string[]>]>([
    ["a keyword without quotes", { "script-src": ["self"] }],
    ["a hash without quotes", { "script-src": ["sha256-abc="] }],
    ["a separator", { "script-src": ["'self';"] }],
    ["two sources in one", { "script-src": ["'self' https:"] }],
    ["a comma", { "script-src": ["a,b"] }],
    ["an empty source", { "script-src": [""] }],
    ["a directive that is none", { scriptSrc: ["'self'"] }],
  ])("refuses %s", (_name, directives) => {
    expect(() => securityHeaders({ contentSecurityPolicy: { directives } })).toThrow(
      expect.objectContaining({ code: "options/unknown-value" }),
    );
  });
});
