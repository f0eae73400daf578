/** Where the user's own files are. */

import { homedir } from "node:os";

/** The `.netrc` file that the environment names, which is `required` to be there, or the usual one, which is not. */
export function netrcPath(): { readonly path: string; readonly required: boolean } {
  const named = process.env["NETRC"];
  if (named !== undefined && named !== "") return { path: named, required: true };
  return { path: `${homedir()}/${process.platform === "win32" ? "_netrc" : ".netrc"}`, required: false };
}

/** The folder in which programs keep what they have to remember from one run to the next (XDG Base Directory Specification). */
export function stateFolder(): string {
  const named = process.env["XDG_STATE_HOME"];
  return named?.startsWith("/") ? named : `${homedir()}/.local/state`;
}
