/** Bun.serve with its own routes. Run by Bun, not by Node; prints its port. */
import { HELLO, type Order, userOf } from "../workloads.js";

/** As much of Bun as is used here. */
interface BunLike {
  serve(options: { hostname: string; port: number; routes: Record<string, unknown>; fetch: () => Response }): {
    readonly port: number;
  };
}

const { Bun } = globalThis as unknown as { readonly Bun: BunLike };

const server = Bun.serve({
  hostname: "127.0.0.1",
  port: 0,
  routes: {
    "/users/:id": (request: { readonly params: { readonly id: string } }) => Response.json(userOf(request.params.id)),
    // A function, as the others have one: a static Response would not run any code of ours.
    "/text": () => new Response(HELLO),
    "/orders": {
      POST: async (request: Request) => {
        const { id, lines } = (await request.json()) as Order;
        return Response.json({ id, count: lines.length });
      },
    },
  },
  fetch: () => new Response("Not found", { status: 404 }),
});

console.log(JSON.stringify({ port: server.port }));
