/** ws with permessage-deflate, for messages of any size. */
import type { ServerAdapter } from "./server-adapter.js";
import { startWs } from "./ws-echo.js";

export const start: ServerAdapter = () => startWs({ threshold: 0 });
