/** The parsers of values in the form that the argument parser takes: what they refuse names the option, and comes out in one line. */
import { InvalidArgumentError } from "commander";
import { UsageProblem } from "./usage-problem.js";

/** A parser of one value. */
export function value<T>(parse: (text: string) => T): (text: string) => T {
  return (text) => {
    try {
      return parse(text);
    } catch (error) {
      if (error instanceof UsageProblem) throw new InvalidArgumentError(error.message);
      throw error;
    }
  };
}

/** A parser for an option that may be given again and again. */
export function values<T>(
  parse: (text: string) => T,
): (text: string, before: readonly T[] | undefined) => readonly T[] {
  const parseOne = value(parse);
  return (text, before = []) => [...before, parseOne(text)];
}
