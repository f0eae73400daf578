/** URLs as people type them: `localhost:8080/a`, `example.com`. What is no host at its beginning stays as it is, for the library to refuse. */

const SCHEME = /^[a-z][a-z0-9+.-]*:\/\//i;
/** A host, a port or both, and where a path, query or fragment may begin. */
const HOST_AND_PORT = /^(\[[0-9a-f:.]+\]|[a-z0-9](?:[\w.-]*[a-z0-9])?)?(:\d{1,5})?(?=[/?#]|$)/i;
const IP_ADDRESS = /^(?:\[|\d+(?:\.\d+){3}$)/;

/**
 * `text` with a scheme, if only that is missing. Names with a dot get https; addresses, `localhost`, a bare `:8080`, and names without
 * a dot but with a port get http, as they are of this machine or of one close by.
 */
export function completeUrl(text: string): string {
  const [authority, host = "", port] = HOST_AND_PORT.exec(text) ?? [];
  if (authority === undefined || authority === "" || SCHEME.test(text)) return text;
  if (host === "") return `http://localhost${text}`;
  if (IP_ADDRESS.test(host) || host.toLowerCase() === "localhost") return `http://${text}`;
  if (host.includes(".")) return `https://${text}`;
  return port === undefined ? text : `http://${text}`;
}
