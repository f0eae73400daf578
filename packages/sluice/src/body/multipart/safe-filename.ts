/**
 * A name under which an uploaded file can be kept, made of the one that its sender gave it. What is taken out is what one system or
 * another takes for something else than a name: folders, drives and streams (`C:`, `a:b`), devices of Windows, hidden files, names
 * that a listing shows differently from what they are (RFC 7578 §4.2, §7).
 */

/** Most bytes of a name in UTF-8: what common file systems take, and room for a suffix. */
const MAX_BYTES = 200;
/** An ending longer than this is no ending. */
const MAX_ENDING = 20;
/** Controls, line and paragraph separators, what turns the direction of writing, and half characters. */
const INVISIBLE = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu;
const RESERVED = /["*:<>?|]/g;
/** Windows drops it, and then it is the name of another file. */
const OUTER_END = /[\s.]+$/;
const DEVICE = /^(?:con|prn|aux|nul|conin\$|conout\$|(?:com|lpt)[0-9¹²³])(?:\.|$)/i;

/** Never a path, never empty: `fallback` where nothing of the name is left. */
export function safeFilename(given: string, fallback = "file"): string {
  const last = given.slice(Math.max(given.lastIndexOf("/"), given.lastIndexOf("\\")) + 1);
  const plain = last
    .replace(INVISIBLE, "")
    .replace(RESERVED, "_")
    .replace(/^[\s.]+/, "")
    .replace(OUTER_END, "");
  if (plain === "") return fallback;
  return shorten(DEVICE.test(plain) ? `_${plain}` : plain);
}

/** Cuts in the middle, between characters, and keeps the ending. */
function shorten(name: string): string {
  if (Buffer.byteLength(name) <= MAX_BYTES) return name;
  const dot = name.lastIndexOf(".");
  const ending = dot > 0 && name.length - dot <= MAX_ENDING ? name.slice(dot) : "";
  let room = MAX_BYTES - Buffer.byteLength(ending);
  let kept = "";
  for (const character of name.slice(0, name.length - ending.length)) {
    room -= Buffer.byteLength(character);
    if (room < 0) break;
    kept += character;
  }
  return (kept + ending).replace(OUTER_END, "");
}
