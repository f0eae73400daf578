export { createHttpbin } from "./create-httpbin.js";
export type { HttpbinOptions } from "./options.js";
export { type StartHttpbinOptions, startHttpbin } from "./start-httpbin.js";
