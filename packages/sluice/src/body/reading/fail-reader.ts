/**
 * The last step of an error on its way to whoever reads a body. It was made where the body broke, perhaps long ago and deep
 * in the engine: here it is told whose body it was, and gets the frames of whoever reads, which costs nothing before.
 */

import { SluiceError } from "../../errors.js";
import type { BodyFlow } from "../body-flow.js";

/**
 * Rejects with `error`. V8 follows the promise of an async function to whoever awaits it, also through another promise that was
 * resolved with it: two turns later, when that has been done, the stack shows them. Errors that are not ours stay as they are.
 */
export async function failReader(flow: BodyFlow, error: unknown): Promise<never> {
  await undefined;
  await undefined;
  if (error instanceof SluiceError) {
    flow.owner?.describe(error);
    Error.captureStackTrace(error, failReader);
  }
  const { owner } = flow;
  throw owner?.translate === undefined ? error : owner.translate(error);
}

/** Where a stream was asked for: its reader is told of an error by the stream, through no promise that could be followed. */
export interface ReaderSite {
  readonly stack?: string;
}

/** The frames of whoever called `below`; formatted only if somebody looks. */
export function takeReaderSite(below: Parameters<typeof Error.captureStackTrace>[1]): ReaderSite {
  const site: ReaderSite = {};
  Error.captureStackTrace(site, below);
  return site;
}

/** `error` as the reader of a stream is to get it. Errors that are not ours stay as they are. */
export function errorForStream(flow: BodyFlow, error: unknown, site: ReaderSite): unknown {
  const { owner } = flow;
  if (!(error instanceof SluiceError)) return error;
  owner?.describe(error);
  const frames = site.stack?.split("\n").slice(1).join("\n") ?? "";
  Object.defineProperty(error, "stack", {
    value: `${error.name}: ${error.message}\n${frames}`,
    configurable: true,
    writable: true,
  });
  return owner?.translate === undefined ? error : owner.translate(error);
}
