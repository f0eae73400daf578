/** A process of its own with an httpbin on a free loopback port: so that what an example measures is the client alone. */
import { startHttpbin } from "@sluice/httpbin";

const server = await startHttpbin();
process.send?.(server.url);
// Whoever started this process has ended, or wants no more of it.
process.once("disconnect", () => {
  void server.close({ grace: 0 });
});
// Ctrl-C goes to the whole group of processes; this one ends with the one that started it.
process.on("SIGINT", () => undefined);
