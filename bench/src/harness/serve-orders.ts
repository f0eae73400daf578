/** The other end of `child.ts`: carries out what the bench says, one order after the other, until the bench is gone. */
import type { Orders, Reply } from "./child.js";

interface Message {
  readonly id: number;
  readonly name: string;
  readonly order: unknown;
}

/** Serves `orders` to the process that started this one. */
export function serveOrders<Names extends Orders<Names>>(orders: Names): void {
  const methods = orders as unknown as Readonly<Record<string, (order: unknown) => Promise<unknown>>>;
  process.on("message", (message: Message) => {
    void answer(methods, message);
  });
  process.on("disconnect", () => process.exit(0));
}

async function answer(
  methods: Readonly<Record<string, (order: unknown) => Promise<unknown>>>,
  { id, name, order }: Message,
): Promise<void> {
  let reply: Reply;
  try {
    const method = methods[name];
    if (method === undefined) throw new Error(`Nobody here knows the order ${name}`);
    reply = { id, result: await method(order) };
  } catch (error) {
    reply = { id, error: error instanceof Error ? (error.stack ?? error.message) : String(error) };
  }
  process.send?.(reply);
}

/** CPU milliseconds that this process has used so far, in user and system mode, all threads together. */
export function cpuMilliseconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
}
