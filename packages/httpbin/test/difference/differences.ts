/**
 * Where we differ from Debian's `python3-httpbin` (0.7.0), and why. `difference.test.ts` fails for a difference that is not here, and
 * for one that is here and no longer there.
 */

export interface Difference {
  readonly why: string;
  /** Names of cases; each of them differs in each of the aspects. */
  readonly cases: readonly string[];
  /** As `compare.ts` names them. `answer`: the status differs, and with it anything. */
  readonly aspects: readonly string[];
}

const FORWARDED =
  "Forwarding fields are believed from trusted proxies only (`trustProxy`), and are shown like all others: nothing here stands behind a router that adds them";
const TEAPOT = "A teapot of our own, of a stated type; the RFC's address is the current one";
const LARGER = "The cap is 100 MiB, not 100 KiB";

const EMPTY_STATUS = [200, 201, 204, 205, 300, 308, 400, 403, 404, 429, 500, 503, 599];
const REFUSED_BY_BOTH = [
  "POST /get",
  "GET /post",
  "GET /status/abc",
  "GET /status/200,abc",
  "GET /redirect/x",
  "GET /cache/x",
  "GET /bytes/x",
  "GET /range/0",
  "GET /drip?numbytes=0",
  "GET /nothing-here",
];
const FLASK_REDIRECTS = [
  "GET /redirect/1",
  "GET /redirect/3",
  "GET /redirect/3?absolute=true",
  "GET /absolute-redirect/1",
  "GET /absolute-redirect/3",
  "GET /cookies/set?a=1&b=2",
  "GET /cookies/set/name/value",
  "GET /cookies/delete?a&b=",
  "GET /links/4",
];

const ERRORS: readonly Difference[] = [
  {
    why: "Errors are RFC 9457 problem documents, or HTML or text if Accept prefers that; Flask's are HTML or plain words",
    cases: REFUSED_BY_BOTH,
    aspects: ["body", "header content-type", "header vary"],
  },
  {
    why: "What is wrong with a request is said in a 400; there it is an unhandled exception, a 500",
    cases: ["GET /redirect/0", "GET /redirect-to", "GET /bytes/16?seed=x", "GET /delay/x", "GET /base64/_-8="],
    aspects: ["answer"],
  },
  {
    why: "A final status is 200 to 599 (RFC 9110 §15); a client may take anything else for 500",
    cases: ["GET /status/600"],
    aspects: ["answer"],
  },
];

const EMPTY_BODIES: readonly Difference[] = [
  {
    why: "What has no body has no Content-Type; Flask says text/html even then",
    cases: [
      ...EMPTY_STATUS.map((status) => `GET /status/${status}`),
      "POST /status/404",
      "DELETE /status/500",
      "GET /status/200:1,404:0",
      "GET /hidden-basic-auth/user/passwd",
      "GET /bearer",
      "GET /etag/abc (If-Match, another)",
      "GET /range/100 (outside)",
      "GET /range/100 (backwards)",
      "GET /relative-redirect/1",
      "GET /relative-redirect/3",
      "GET /redirect-to?url=http%3A%2F%2Fexample.com%2F%3Fa%3Db",
      "GET /redirect-to?URL=/get&Status_Code=307",
      "POST /redirect-to?url=/post&status_code=308",
      "GET /redirect-to?url=/get&status_code=500",
      "HEAD /redirect/3",
    ],
    aspects: ["header content-type"],
  },
  {
    why: "Redirects have no page to click on",
    cases: FLASK_REDIRECTS,
    aspects: ["body", "header content-type"],
  },
  {
    why: "Redirects have no page to click on, so HEAD has no length to tell but 0, which may be left out (RFC 9110 §8.6)",
    cases: ["HEAD /redirect/3"],
    aspects: ["header content-length"],
  },
  {
    why: "OPTIONS without anything to say is 204",
    cases: ["OPTIONS /get", "OPTIONS /post (preflight)"],
    aspects: ["answer"],
  },
];

const ECHO: readonly Difference[] = [
  {
    why: "Who does not say where it asks from is not told who may read: no browser would look",
    cases: ["GET /get (no Origin)"],
    aspects: ["header access-control-allow-credentials", "header access-control-allow-origin"],
  },
  {
    why: "The URL is a URL: characters beyond ASCII stay escaped; Werkzeug shows an IRI",
    cases: ["GET /get?q=a%20b+c%26d&caf%C3%A9=%E2%82%AC"],
    aspects: ["body.url"],
  },
  {
    why: FORWARDED,
    cases: ["GET /get (X-Forwarded-For)"],
    aspects: ["body.origin", "body.headers.X-Forwarded-For"],
  },
  { why: FORWARDED, cases: ["GET /get (X-Forwarded-Proto)"], aspects: ["body.url", "body.headers.X-Forwarded-Proto"] },
  {
    why: FORWARDED,
    cases: ["GET /headers (proxy headers)"],
    aspects: ["body.headers.Via", "body.headers.X-Request-Id"],
  },
  {
    why: "Cookies of analytics are hidden there because that site has some; here they are yours",
    cases: ["GET /cookies (analytics)"],
    aspects: ["body.cookies.__utmz"],
  },
  {
    why: "The content coding of a request body is undone",
    cases: ["POST /post (gzip)"],
    aspects: ["body.data"],
  },
  { why: "Chunked requests are understood", cases: ["POST /post (chunked)"], aspects: ["answer"] },
  { why: "QUERY is one of the methods that every method means", cases: ["QUERY /anything"], aspects: ["answer"] },
  { why: "Every method, as in newer httpbins", cases: ["POST /delay/0"], aspects: ["answer"] },
];

const CHOICES: readonly Difference[] = [
  {
    why: "Our own words, and no link to a video",
    cases: ["GET /status/402"],
    aspects: ["body", "header content-type", "header x-more-info"],
  },
  {
    why: TEAPOT,
    cases: ["GET /status/418"],
    aspects: ["body", "header content-type", "header x-more-info"],
  },
  { why: TEAPOT, cases: ["HEAD /status/418"], aspects: ["header content-type", "header x-more-info"] },
  { why: "308 redirects too, and needs to say where to", cases: ["GET /status/308"], aspects: ["header location"] },
  {
    why: "JSON in another type is still JSON, with < escaped so that it cannot act as a page; a Content-Type is replaced, not added as a second line",
    cases: ["GET /response-headers?Content-Type=text%2Fplain&x=%3C"],
    aspects: ["body", "header content-type"],
  },
  {
    why: "A cookie's value has no spaces (RFC 6265 §4.1.1): encode them; there they are put in quotes, which not every client takes off",
    cases: ["GET /cookies/set?a=x%20y"],
    aspects: ["answer"],
  },
  {
    why: "The token is what follows the scheme; there the letters of `Bearer ` are stripped from its beginning as well",
    cases: ["GET /bearer (token of the letters of Bearer)"],
    aspects: ["body.token"],
  },
  { why: "Basic credentials are no bearer token", cases: ["GET /bearer (basic)"], aspects: ["answer"] },
  {
    why: "Digest wants no cookies here and sets none; its realm is that of Basic, and it says which charset it takes",
    cases: ["GET /digest-auth/auth/user/passwd"],
    aspects: ["header content-type", "header set-cookie", "header www-authenticate"],
  },
  {
    why: "Texts and pictures of our own",
    cases: [
      "GET /",
      "GET /html",
      "GET /xml",
      "GET /deny",
      "GET /encoding/utf8",
      "GET /forms/post",
      "GET /image",
      "GET /image (WebP, PNG)",
      "GET /image (JPEG)",
      "GET /image (SVG)",
      "GET /image (any image)",
      "GET /image/png",
      "GET /image/jpeg",
      "GET /image/svg",
      "GET /image/webp",
    ],
    aspects: ["body"],
  },
  {
    why: "What depends on Accept says so (RFC 9110 §12.5.5)",
    cases: [
      "GET /image",
      "GET /image (WebP, PNG)",
      "GET /image (JPEG)",
      "GET /image (SVG)",
      "GET /image (any image)",
      "GET /image (rather PNG)",
      "GET /image (text)",
    ],
    aspects: ["header vary"],
  },
  {
    why: "Whoever likes several alike gets PNG; there WebP goes first if it is named",
    cases: ["GET /image (WebP, PNG)"],
    aspects: ["header content-type"],
  },
  {
    why: "Quality values count (RFC 9110 §12.4.2)",
    cases: ["GET /image (rather PNG)"],
    aspects: ["body", "header content-type"],
  },
  { why: "*/* includes images", cases: ["GET /image (anything)"], aspects: ["answer"] },
  {
    why: "Entity tags are quoted (RFC 9110 §8.8.3)",
    cases: [
      "GET /cache",
      "GET /etag/abc",
      "GET /etag/abc (If-None-Match)",
      "GET /etag/abc (If-None-Match, another)",
      "GET /etag/abc (If-None-Match, any)",
      "GET /etag/abc (If-Match)",
      "GET /range/100",
      "GET /range/100?chunk_size=7&duration=0.1",
      "GET /range/100 (middle)",
      "GET /range/100 (end)",
      "GET /range/100 (last bytes)",
      "GET /range/100 (all)",
      "GET /range/100 (outside)",
      "GET /range/100 (backwards)",
      "GET /range/100 (other unit)",
      "GET /range/0",
    ],
    aspects: ["header etag"],
  },
  {
    why: "A range that reaches beyond the end is cut off there (RFC 9110 §14.1.2)",
    cases: ["GET /range/100 (beyond the end)"],
    aspects: ["answer"],
  },
  { why: LARGER, cases: ["GET /bytes/200000"], aspects: ["body"] },
  { why: LARGER, cases: ["GET /range/200000"], aspects: ["answer"] },
  {
    why: "Decoded text is text/plain: a link to it must not become a page that acts in our name",
    cases: ["GET /base64/aGVsbG8g4oKs"],
    aspects: ["header content-type"],
  },
];

const ONLY_HERE: readonly Difference[] = [
  { why: "Newer httpbins have it, Debian's does not", cases: ["GET /json"], aspects: ["answer"] },
  { why: "A coding from after its time; 501 where Node has no encoder", cases: ["GET /zstd"], aspects: ["answer"] },
  {
    why: "For practising with faults",
    cases: ["GET /flaky?fail=0", "GET /rate-limited", "GET /slow?delay=0&duration=0", "GET /close?at=body"],
    aspects: ["answer"],
  },
];

export const DIFFERENCES: readonly Difference[] = [...ERRORS, ...EMPTY_BODIES, ...ECHO, ...CHOICES, ...ONLY_HERE];
