/** The only file that knows the platform's compression library, which is loaded with the first body or message that needs it. */

/** What Node.js has for gzip, deflate, br and, in newer versions, zstd. */
export type Zlib = typeof import("node:zlib");

/** Loads the library on first use: importing this package does not. */
export function loadZlib(): Zlib {
  return process.getBuiltinModule("node:zlib");
}
