/**
 * A service that answers by asking two others, at the same time and within a budget: a page about a product, made of its price and its
 * reviews. Without the price there is no page. Reviews that are late or missing are left out, and the answer says so.
 *
 * Whatever a request here causes elsewhere belongs to its trace (`traceparent`), and ends with it: when the budget is used up, or when
 * nobody waits for the page any more.
 */
import { AsyncLocalStorage } from "node:async_hooks";
import { ClientSession, gather, RequestTimeoutError, ResponseError } from "sluice";
import { Application, type ErrorListener, HttpError, type Middleware, reply } from "sluice/server";
import * as z from "zod";

/** Where the others are, and how long they may take. */
export interface ProductPageOptions {
  /** Serves `/prices/:id`. */
  readonly prices: string;
  /** Serves `/reviews/:id`. */
  readonly reviews: string;
  /** Milliseconds for the price. */
  readonly priceBudget: number;
  /** Milliseconds for the reviews. Fewer than for the price: they are not worth waiting for. */
  readonly reviewsBudget: number;
  /** Told of what clients are not told. */
  readonly onError: ErrorListener;
}

/** The trace that a request belongs to, as it came. */
interface IncomingTrace {
  readonly traceparent: string;
  readonly tracestate: string | null;
}

const Price = z.object({ amount: z.number(), currency: z.string() });
const Reviews = z.array(z.object({ stars: z.number(), text: z.string() }));

export function productPageApp(options: ProductPageOptions): Application {
  const { prices, reviews, priceBudget, reviewsBudget, onError } = options;
  const incoming = new AsyncLocalStorage<IncomingTrace | undefined>();
  const app = new Application({ onError });
  const session = new ClientSession({
    traceparent: () => incoming.getStore(),
    connector: { limitPerHost: 50, maxQueue: 200 },
  });
  app.onStart(() => () => session.close());

  const inItsTrace: Middleware = ({ headers }, next) => {
    const traceparent = headers.get("traceparent");
    return incoming.run(
      traceparent === null ? undefined : { traceparent, tracestate: headers.get("tracestate") },
      next,
    );
  };

  app.get("/products/:id", [inItsTrace], async ({ params, signal }) => {
    const id = encodeURIComponent(params.id);
    const [price, opinion] = await gather.settled(
      [
        (each) => session.get(`${prices}/prices/${id}`, { timeout: priceBudget, signal: each }).json(Price),
        (each) => session.get(`${reviews}/reviews/${id}`, { timeout: reviewsBudget, signal: each }).json(Reviews),
      ],
      { signal },
    );
    if (price.status === "rejected") throw asAnswer(price.reason);
    const complete = opinion.status === "fulfilled";
    return reply.json(
      {
        id: params.id,
        price: price.value,
        reviews: complete ? opinion.value : [],
        missing: complete ? [] : ["reviews"],
      },
      // A page that lacks something is not worth keeping.
      { headers: { "Cache-Control": complete ? "max-age=60" : "no-store" } },
    );
  });
  return app;
}

/** The price service's failure, as ours: what it does not know we don't know either; everything else is its fault, not the client's. */
function asAnswer(failure: unknown): unknown {
  if (failure instanceof RequestTimeoutError) {
    return new HttpError(504, "The price service took too long", { cause: failure, expose: true });
  }
  if (failure instanceof ResponseError && failure.status === 404) {
    return new HttpError(404, "There is no such product", { cause: failure });
  }
  return new HttpError(502, "The price service failed", { cause: failure, expose: true });
}
