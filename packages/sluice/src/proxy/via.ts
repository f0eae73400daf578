/** `Via`: through whom a message came (RFC 9110 §7.6.3), and how a proxy notices that it talks to itself. */

/** `received` continued by this proxy, which got the message in HTTP/`version`. */
export function viaWith(received: string | undefined, version: string, pseudonym: string): string {
  const own = `${version} ${pseudonym}`;
  return received === undefined || received === "" ? own : `${received}, ${own}`;
}

/** Whether a proxy of this name has passed the message on before. */
export function cameThrough(received: string | undefined, pseudonym: string): boolean {
  if (received === undefined) return false;
  const name = pseudonym.toLowerCase();
  return received.split(",").some(
    (entry) =>
      entry
        .trim()
        .split(/[ \t]+/)[1]
        ?.toLowerCase() === name,
  );
}
