/** The quick tier: unit, wire and real sockets. `npm test`. */
import { defineConfig } from "vitest/config";
import { shared } from "./vitest.shared.js";

export default defineConfig(shared);
