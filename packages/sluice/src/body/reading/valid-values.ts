/** Values read from a body, each turned into something else (as a schema does) before its reader gets it. */

import type { StandardSchemaV1 } from "@standard-schema/spec";
import { SluiceError, ValidationError } from "../../errors.js";
import type { BodyFlow } from "../body-flow.js";
import { validate } from "../schema.js";

/** What `schema` makes of the one value of a body. */
export async function wholeValid(value: Promise<unknown>, schema: StandardSchemaV1, flow: BodyFlow): Promise<unknown> {
  const given = await value;
  try {
    return await validate(schema, given, "the body");
  } catch (error) {
    throw told(flow, error, wholeValid);
  }
}

/** What `make` makes of each of `values`, in order; it is called for one after the other. */
export async function* eachMade<In, Out>(
  values: AsyncIterable<In>,
  make: (value: In) => Out | Promise<Out>,
  flow: BodyFlow,
): AsyncGenerator<Out, undefined, undefined> {
  for await (const value of values) {
    let made: Out;
    try {
      made = await make(value);
    } catch (error) {
      throw told(flow, error, eachMade);
    }
    yield made;
  }
  return undefined;
}

/** An error of ours gets the frames of the reader here, and is told whose body it was. */
function told(flow: BodyFlow, error: unknown, below: Parameters<typeof Error.captureStackTrace>[1]): unknown {
  if (!(error instanceof SluiceError)) return error;
  flow.owner?.describe(error);
  Error.captureStackTrace(error, below);
  const { owner } = flow;
  // Only what the body is: what went wrong inside of a schema is nobody's answer.
  if (!(error instanceof ValidationError) || owner?.translate === undefined) return error;
  return owner.translate(error);
}
