/** Where the user's own files are. */

import { homedir } from "node:os";

/** The `.netrc` file that the environment names, which is `required` to be there, or the usual one, which is not. */
export function netrcPath(): { readonly path: string; readonly required: boolean } {
  const named = process.env["NETRC"];
  if (named !== undefined && named !== "") return { path: named, required: true };
  return { path: `${homedir()}/${process.platform === "win32" ? "_netrc" : ".netrc"}`, required: false };
}
