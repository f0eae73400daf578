/** For `npx vitest run --root <this folder>`: the quick tier of this package alone. */
import { defineConfig } from "vitest/config";
import { shared } from "../../vitest.shared.js";

export default defineConfig(shared);
