/** What is asked and what must come back: the same for every contestant, and checked by every contestant. */

/** The text answer: 13 bytes. */
export const HELLO = "Hello, world!";

/** A file of 1 KiB. */
export const SMALL_FILE = "0123456789abcde\n".repeat(64);

/** A file of 1 MiB. */
export const LARGE_FILE = SMALL_FILE.repeat(1_024);

/** One line of {@link ORDER}. */
export interface OrderLine {
  readonly sku: string;
  readonly quantity: number;
  readonly price: number;
}

/** The JSON body of the POST rows. */
export interface Order {
  readonly id: number;
  readonly customer: string;
  readonly note: string;
  readonly lines: readonly OrderLine[];
}

const ORDER_BYTES = 1_024;
const LINE_COUNT = 14;

/** A JSON body of exactly 1 KiB. */
export const ORDER: Order = makeOrder();

/** What every server that validates checks an order against, in the words of JSON Schema. */
export const ORDER_SCHEMA = {
  type: "object",
  required: ["id", "customer", "note", "lines"],
  properties: {
    id: { type: "integer" },
    customer: { type: "string" },
    note: { type: "string" },
    lines: {
      type: "array",
      items: {
        type: "object",
        required: ["sku", "quantity", "price"],
        properties: { sku: { type: "string" }, quantity: { type: "integer" }, price: { type: "number" } },
      },
    },
  },
} as const;

/** {@link ORDER} as every client must send it. */
export const ORDER_TEXT = JSON.stringify(ORDER);

/** What the servers answer to {@link ORDER}. */
export interface Receipt {
  readonly id: number;
  readonly count: number;
}

/** The answer to {@link ORDER}. */
export const RECEIPT: Receipt = { id: ORDER.id, count: ORDER.lines.length };

/** The user whom the route with one parameter answers. */
export function userOf(id: string): { id: string; name: string } {
  return { id, name: "Ada Lovelace" };
}

/** Throws unless `answer` is {@link HELLO}. */
export function checkHello(answer: string): void {
  if (answer !== HELLO) throw new Error(`Expected ${JSON.stringify(HELLO)}, received ${JSON.stringify(answer)}`);
}

/** Throws unless `answer` is {@link RECEIPT}. */
export function checkReceipt(answer: unknown): void {
  const { id, count } = answer as Receipt;
  if (id !== RECEIPT.id || count !== RECEIPT.count) {
    throw new Error(`Expected ${JSON.stringify(RECEIPT)}, received ${JSON.stringify(answer)}`);
  }
}

/** Throws unless `status` is 200. */
export function checkStatus(status: number | undefined): void {
  if (status !== 200) throw new Error(`Expected status 200, received ${status}`);
}

function makeOrder(): Order {
  const lines = Array.from({ length: LINE_COUNT }, (_, at) => ({
    sku: `SKU-${1_000 + at}`,
    quantity: at + 1,
    price: 10.25 + at,
  }));
  const order = { id: 4_711, customer: "customer@example.com", note: "", lines };
  return { ...order, note: "x".repeat(ORDER_BYTES - JSON.stringify(order).length) };
}
