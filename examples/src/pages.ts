/** An API in pages, read as one list: by Link fields and by cursor, the next page on its way while one is used. */
import { ClientSession } from "sluice";
import { Application, reply } from "sluice/server";
import { runExample } from "./support/run-example.js";

const BOOKS = Array.from({ length: 95 }, (_, index) => ({ id: index + 1, title: `Book ${index + 1}` }));
const PER_PAGE = 10;

interface Shelf {
  readonly books: typeof BOOKS;
  readonly next: string | null;
}

await runExample("Pages", async ({ check }) => {
  const app = new Application();
  app.get("/books", ({ query }) => {
    const page = Number(query.get("page") ?? 1);
    const rest = BOOKS.length > page * PER_PAGE;
    const headers = rest ? { link: `<?page=${page + 1}>; rel="next"` } : {};
    return reply.json(BOOKS.slice((page - 1) * PER_PAGE, page * PER_PAGE), { headers });
  });
  app.get("/shelf", ({ query }) => {
    const from = Number(query.get("after") ?? 0);
    const books = BOOKS.slice(from, from + PER_PAGE);
    return { books, next: from + PER_PAGE < BOOKS.length ? String(from + PER_PAGE) : null };
  });
  app.get("/circle", () => reply.json([], { headers: { link: '<?again>; rel="next"' } }));
  await using server = await app.listen({ port: 0, host: "127.0.0.1" });
  await using session = new ClientSession({ baseUrl: `${server.url}/` });

  let byLink = 0;
  for await (const book of session.paginate<typeof BOOKS>("books", { prefetch: true }).items()) {
    byLink += 1;
    if (book.id !== byLink) throw new Error(`book ${book.id} in place ${byLink}`);
  }
  check(byLink === BOOKS.length, `${byLink} books by Link fields`);

  const by = { cursor: ({ next }: Shelf) => next, param: "after" };
  let pages = 0;
  for await (const { data, number } of session.paginate<Shelf>("shelf", { by, maxPages: 4 })) {
    if (data.books.length === PER_PAGE) pages = number;
  }
  check(pages === 4, `${pages} pages by cursor, and no more were asked for`);

  let refused = "";
  try {
    for await (const { number } of session.paginate("circle")) refused = `page ${number}`;
  } catch (error) {
    refused = String(error);
  }
  check(refused.includes("leads back"), "pages that lead around in a circle are noticed");
});
