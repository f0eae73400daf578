/** The system's Chromium. Where it is missing its tests are skipped on a developer's machine, and fail with CI=true. */
import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";

const NAMES = ["chromium", "chromium-browser"];

/** Undefined if there is none. */
export const chromiumPath: string | undefined = (process.env["PATH"] ?? "")
  .split(delimiter)
  .flatMap((folder) => NAMES.map((name) => join(folder, name)))
  .find((path) => existsSync(path));

/** Whether tests that need it are to be skipped. */
export const withoutChromium: boolean = chromiumPath === undefined && process.env["CI"] !== "true";
