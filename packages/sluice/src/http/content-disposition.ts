/** `Content-Disposition` of an answer, written (RFC 6266): with a name that every client understands, and nobody can misread. */

const CONTROL_OR_SEPARATOR = /[\p{Cc}/\\]/gu;
const LONE_SURROGATE = /\p{Surrogate}/gu;
/** What may stand in `filename` without a client that unescapes too much, or too little, reading another name (appendix D). */
const NOT_PLAIN = /[^ !#$&'()+,\-.0-9;=@A-Z[\]^_`a-z{}~]/gu;
/** What encodeURIComponent leaves, and `attr-char` has not (RFC 8187 §3.2.1). */
const NOT_ATTR_CHAR = /['()*]/g;

/**
 * `attachment` (to be saved) or `inline` (to be shown) with the name to suggest, if there is one. Separators and control characters
 * become "_": it is a name, not a path. Other alphabets go into `filename*`, beside what is left of them in ASCII.
 */
export function formatContentDisposition(kind: "attachment" | "inline", filename: string | undefined): string {
  if (filename === undefined) return kind;
  const name = filename.replace(LONE_SURROGATE, "\ufffd").replace(CONTROL_OR_SEPARATOR, "_");
  const plain = name.replace(NOT_PLAIN, "_");
  const written = `${kind}; filename="${plain}"`;
  return plain === name ? written : `${written}; filename*=UTF-8''${encodeExtended(name)}`;
}

function encodeExtended(text: string): string {
  return encodeURIComponent(text).replace(NOT_ATTR_CHAR, (character) => {
    return `%${character.charCodeAt(0).toString(16).toUpperCase()}`;
  });
}
