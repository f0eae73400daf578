/** From a folder's path to the same with a slash behind it, from where relative links on its page start. */

import { Reply } from "../reply.js";

const MOVED_PERMANENTLY = 301;

/**
 * The redirect for `path`, escaped, and its query. It is said relative to the request (RFC 9110 §10.2.2): so it holds behind whatever
 * took a prefix away, and can name no other host, whatever the folder is called.
 */
export function redirectToFolder(path: string, query: string): Reply {
  const name = path.slice(path.lastIndexOf("/") + 1);
  return new Reply(MOVED_PERMANENTLY, ["Location", `./${name}/${query === "" ? "" : `?${query}`}`]);
}
