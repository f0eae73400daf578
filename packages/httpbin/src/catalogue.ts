/** The endpoints, for the index page and for tests: each with a path to try and a sentence. */

/** One endpoint. */
export interface Endpoint {
  /** The path pattern, with its most useful parameters. */
  readonly pattern: string;
  /** A path that answers at once. */
  readonly example: string;
  /** What it answers. */
  readonly answers: string;
}

/** Endpoints of one kind. */
export interface EndpointGroup {
  readonly title: string;
  readonly endpoints: readonly Endpoint[];
}

function endpoint(pattern: string, example: string, answers: string): Endpoint {
  return { pattern, example, answers };
}

/** All endpoints but the index itself. */
export const CATALOGUE: readonly EndpointGroup[] = [
  {
    title: "Your request",
    endpoints: [
      endpoint("/get", "/get?a=1", "query, headers, address, URL"),
      endpoint("/post, /put, /patch, /delete", "/anything", "the same and the body, for the method of the name"),
      endpoint("/anything[/…]", "/anything/at/all", "everything, for every method, QUERY included"),
      endpoint("/headers", "/headers", "your headers"),
      endpoint("/ip", "/ip", "your address"),
      endpoint("/user-agent", "/user-agent", "your User-Agent"),
    ],
  },
  {
    title: "Status and headers",
    endpoints: [
      endpoint("/status/:codes", "/status/418", "a status, 200 to 599; of several (200:3,503:1) one by chance"),
      endpoint("/response-headers?name=value", "/response-headers?X-Mine=1", "the headers of your choice"),
    ],
  },
  {
    title: "Redirects",
    endpoints: [
      endpoint("/redirect/:n", "/redirect/2", "n redirects, then /get; absolute=true for absolute ones"),
      endpoint("/relative-redirect/:n", "/relative-redirect/2", "the same, relative"),
      endpoint("/absolute-redirect/:n", "/absolute-redirect/2", "the same, absolute"),
      endpoint("/redirect-to?url=&status_code=", "/redirect-to?url=/get", "a redirect to anywhere, for every method"),
    ],
  },
  {
    title: "Cookies",
    endpoints: [
      endpoint("/cookies", "/cookies", "your cookies"),
      endpoint("/cookies/set?name=value", "/cookies/set?a=1", "sets cookies, then /cookies"),
      endpoint("/cookies/set/:name/:value", "/cookies/set/a/1", "sets one cookie, then /cookies"),
      endpoint("/cookies/delete?name", "/cookies/delete?a", "deletes cookies, then /cookies"),
    ],
  },
  {
    title: "Credentials",
    endpoints: [
      endpoint("/basic-auth/:user/:passwd", "/basic-auth/user/passwd", "wants these, 401 otherwise"),
      endpoint("/hidden-basic-auth/:user/:passwd", "/hidden-basic-auth/user/passwd", "wants these, 404 otherwise"),
      endpoint("/bearer", "/bearer", "wants a bearer token, any"),
      endpoint(
        "/digest-auth/:qop/:user/:passwd/:algorithm",
        "/digest-auth/auth/user/passwd/SHA-256",
        "wants these, by Digest: auth or auth-int, six algorithms",
      ),
    ],
  },
  {
    title: "Content",
    endpoints: [
      endpoint("/html", "/html", "a page"),
      endpoint("/json", "/json", "a document"),
      endpoint("/xml", "/xml", "a document"),
      endpoint("/robots.txt", "/robots.txt", "rules for robots"),
      endpoint("/deny", "/deny", "what those rules deny"),
      endpoint("/encoding/utf8", "/encoding/utf8", "text of many scripts"),
      endpoint("/forms/post", "/forms/post", "a form that posts to /post"),
      endpoint("/image", "/image", "a picture as your Accept prefers it"),
      endpoint("/image/png", "/image/png", "a picture"),
      endpoint("/image/jpeg", "/image/jpeg", "a picture"),
      endpoint("/image/svg", "/image/svg", "a picture"),
      endpoint("/image/webp", "/image/webp", "a picture"),
      endpoint("/gzip", "/gzip", "an echo, compressed"),
      endpoint("/deflate", "/deflate", "an echo, compressed"),
      endpoint("/brotli", "/brotli", "an echo, compressed"),
      endpoint("/zstd", "/zstd", "an echo, compressed; 501 where Node has no zstd"),
    ],
  },
  {
    title: "Caching",
    endpoints: [
      endpoint("/cache", "/cache", "304 if you ask conditionally"),
      endpoint("/cache/:seconds", "/cache/60", "Cache-Control: public, max-age=seconds"),
      endpoint("/etag/:etag", "/etag/abc", "honours If-Match and If-None-Match"),
    ],
  },
  {
    title: "Bytes and time",
    endpoints: [
      endpoint("/bytes/:n?seed=", "/bytes/64", "n random bytes"),
      endpoint("/stream-bytes/:n?seed=&chunk_size=", "/stream-bytes/64", "the same in chunks"),
      endpoint("/range/:n?duration=&chunk_size=", "/range/64", "n bytes to ask ranges of"),
      endpoint("/stream/:n", "/stream/3", "n lines of JSON, at most 100"),
      endpoint("/delay/:seconds", "/delay/0.1", "an echo, later; every method"),
      endpoint("/drip?numbytes=&duration=&delay=&code=", "/drip?duration=0.1", "bytes at leisure"),
      endpoint(
        "/sse?count=&delay=",
        "/sse?count=3&delay=0.1",
        "server-sent events, at most 1000; Last-Event-ID goes on",
      ),
      endpoint("/uuid", "/uuid", "a UUID"),
      endpoint("/base64/:value", "/base64/aGVsbG8=", "the text that was encoded"),
      endpoint("/links/:n", "/links/5", "a page of n links to its like, at most 200"),
    ],
  },
  {
    title: "Faults",
    endpoints: [
      endpoint(
        "/flaky?fail=&key=&status=&retry_after=",
        "/flaky?fail=0",
        "fails so many times for each key; every method",
      ),
      endpoint("/rate-limited?requests=&per=&key=", "/rate-limited", "429 beyond so many requests in so many seconds"),
      endpoint("/slow?delay=&numbytes=&duration=", "/slow?delay=0.1&duration=0.1", "a head after a delay, then drops"),
      endpoint("/close?at=head|body|chunk", "/close?at=body", "breaks the connection off"),
    ],
  },
];
