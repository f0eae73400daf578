/** One measured run of load on a server. */
import type { Child } from "../harness/child.js";
import type { Effort } from "../harness/effort.js";
import type { Run } from "../harness/row.js";
import type { LoadOrders, LoadTarget } from "../load/load-main.js";
import type { RunningServer } from "../servers/running-server.js";

/** What is asked of every server of a row. */
export type Load = Omit<LoadTarget, "port">;

/** Requests a second, and for each second of the server's CPU time. */
export async function loadedRun(
  server: RunningServer,
  load: Load,
  generator: Child<LoadOrders>,
  { leadIn, window }: Pick<Effort, "leadIn" | "window">,
): Promise<Run> {
  await generator.tell("open", { ...load, port: server.port });
  try {
    await generator.tell("ask", { milliseconds: leadIn });
    const before = await server.cpu();
    const { count, milliseconds } = await generator.tell("ask", { milliseconds: window });
    const after = await server.cpu();
    const used = before === undefined || after === undefined ? 0 : after - before;
    return { wall: (count / milliseconds) * 1_000, cpu: used > 0 ? (count / used) * 1_000 : undefined };
  } finally {
    await generator.tell("close", null);
  }
}

/** One request as it goes on the wire. */
export function requestText(method: string, path: string, extra = "", body = ""): string {
  const length = body === "" ? "" : `Content-Type: application/json\r\nContent-Length: ${body.length}\r\n`;
  const usual = "Host: 127.0.0.1\r\nUser-Agent: bench\r\nAccept: */*\r\n";
  return `${method} ${path} HTTP/1.1\r\n${usual}${length}${extra}\r\n${body}`;
}
