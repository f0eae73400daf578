/** A service that asks two others at once, with deadlines, a trace that is passed on, and an answer when one of them is late. */
import { ClientSession, sleep } from "sluice";
import { Application, HttpError, type Server } from "sluice/server";
import { productPageApp } from "./product-page/product-page-app.js";
import { runExample, seconds, since } from "./support/run-example.js";

const TRACE = "4bf92f3577b34da6a3ce929d0e0e4736";
const SPAN = "00f067aa0ba902b7";

interface Page {
  readonly price: { readonly amount: number };
  readonly reviews: readonly unknown[];
  readonly missing: readonly string[];
}

await runExample("A page made by two other services", async ({ say, check }) => {
  const traces: string[] = [];
  let reviewsGivenUp = 0;

  const prices = new Application();
  prices.get("/prices/:id", async ({ params, headers, signal }) => {
    traces.push(headers.get("traceparent") ?? "none");
    if (params.id === "unknown") throw new HttpError(404);
    await sleep(150, { signal });
    return { amount: 12.5, currency: "EUR" };
  });
  const reviews = new Application();
  reviews.get("/reviews/:id", async ({ params, headers, signal }) => {
    traces.push(headers.get("traceparent") ?? "none");
    signal.addEventListener("abort", () => {
      reviewsGivenUp += 1;
    });
    await sleep(params.id === "slow" ? 10_000 : 150, { signal });
    return [{ stars: 5, text: "Pulls slowly, but surely" }];
  });

  await using pricesServer = await listening(prices);
  await using reviewsServer = await listening(reviews);
  const reported: unknown[] = [];
  const options = {
    ...{ prices: pricesServer.url, reviews: reviewsServer.url, priceBudget: 2_000, reviewsBudget: 600 },
    onError: (error: unknown) => reported.push(error),
  };
  await using pages = await listening(productPageApp(options));
  await using session = new ClientSession({ baseUrl: `${pages.url}/` });

  // Both in the time of one, and in the trace of the caller.
  const headers = { traceparent: `00-${TRACE}-${SPAN}-01` };
  let start = performance.now();
  const page = await session.get("products/7", { headers }).json<Page>();
  const both = since(start);
  check(page.price.amount === 12.5 && page.reviews.length === 1, "a page with a price and a review");
  say(`two services of 150 ms each, one after the other: 300 ms; at the same time: ${seconds(both)}`);
  const spans = new Set(traces.map((trace) => trace.split("-")[2]));
  const same = traces.length === 2 && traces.every((trace) => trace.split("-")[1] === TRACE);
  check(
    same && spans.size === 2 && !spans.has(SPAN),
    "both were asked in the caller's trace, each in a span of its own",
  );

  // One is late: the page comes without it.
  start = performance.now();
  const partial = await session.get("products/slow").json<Page>();
  const late = since(start);
  check(partial.price.amount === 12.5 && partial.missing.join() === "reviews", "late reviews are left out, and named");
  check(late < 5_000, `after ${seconds(late)}, and not after 10 s`);
  check(reviewsGivenUp > 0, "the review service was told that nobody waits any more");

  // What the price service does not know, and what it cannot do.
  const unknown = await session.get("products/unknown");
  check(unknown.status === 404, `an unknown product: ${unknown.status}`);
  await pricesServer.close({ grace: 0 });
  const down = await session.get("products/7");
  check(
    down.status === 502 && reported.length === 1,
    `without the price service: ${down.status}, and a line for the log`,
  );
});

function listening(app: Application): Promise<Server> {
  return app.listen({ port: 0, host: "127.0.0.1" });
}
