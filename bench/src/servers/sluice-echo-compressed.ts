/** Ours with permessage-deflate, for messages of any size. */
import type { ServerAdapter } from "./server-adapter.js";
import { startEcho } from "./sluice-echo.js";

export const start: ServerAdapter = () => startEcho({ compress: { threshold: 0 } });
