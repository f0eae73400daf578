/** The opening handshake of WebSocket: the fields of both sides, extensions and what is agreed on. Lines are "name: value". */
import { PeerError } from "../../packages/sluice/dist/errors.js";
import { HttpHeaders } from "../../packages/sluice/dist/http/headers.js";
import { readUpgradeAnswer } from "../../packages/sluice/dist/websocket/client-handshake.js";
import { DEFLATE_DEFAULTS } from "../../packages/sluice/dist/websocket/deflate-options.js";
import { formatExtension, parseExtensions } from "../../packages/sluice/dist/websocket/extensions.js";
import { acceptDeflate, agreeDeflate, offerDeflate } from "../../packages/sluice/dist/websocket/permessage-deflate.js";
import { readUpgradeRequest } from "../../packages/sluice/dist/websocket/server-handshake.js";

const ASKED = [
  "Upgrade: websocket",
  "Connection: Upgrade",
  "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
  "Sec-WebSocket-Version: 13",
  "Sec-WebSocket-Protocol: chat, superchat",
];
const ANSWERED = ["Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo="];
const CHOSEN = [...ANSWERED, "Sec-WebSocket-Protocol: chat"];
const EXTENSIONS = [
  "permessage-deflate; client_max_window_bits",
  "permessage-deflate; server_max_window_bits=10; client_max_window_bits=8, permessage-deflate",
  'permessage-deflate; server_no_context_takeover; client_no_context_takeover; server_max_window_bits="15"',
  "x-other; a=b; c, permessage-deflate",
];

export const corpus = EXTENSIONS.flatMap((value) =>
  [ASKED, ANSWERED, CHOSEN].map((lines) => Buffer.from([...lines, `Sec-WebSocket-Extensions: ${value}`].join("\n"))),
);
export const dictionary = [
  "permessage-deflate",
  "; server_max_window_bits=8",
  "; client_max_window_bits",
  "; client_no_context_takeover",
  ", ",
  ";",
  "=",
  '"',
  "\\",
  "\nSec-WebSocket-Key: ",
  "13",
  "websocket",
];
const WISHES = [
  DEFLATE_DEFAULTS,
  { ...DEFLATE_DEFAULTS, serverMaxWindowBits: 9, serverNoContextTakeover: true },
  { ...DEFLATE_DEFAULTS, clientMaxWindowBits: 10, clientNoContextTakeover: true },
];

/** The fields of an input; lines that no message can have are left out. */
function headersOf(input) {
  const headers = new HttpHeaders();
  for (const line of input.toString("latin1").split("\n")) {
    const colon = line.indexOf(":");
    try {
      headers.append(line.slice(0, colon), line.slice(colon + 1));
    } catch (error) {
      if (!/^headers\//.test(error.code)) throw error;
    }
  }
  return headers;
}

/** The result, or undefined for a refusal. */
function refusable(read) {
  try {
    return read();
  } catch (error) {
    if (error instanceof PeerError && /^websocket\//.test(error.code)) return undefined;
    throw error;
  }
}

const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
const ACCEPT = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

/** RFC 6455 §4, once more: what both sides' fields have to say, and then what they have to say to us. */
const listed = (headers, name) => (headers.get(name) ?? "").split(",").map((element) => element.trim());
const lists = (headers, name, token) => listed(headers, name).some((element) => element.toLowerCase() === token);
const once = (headers, name, value) => headers.getAll(name).length === 1 && headers.get(name) === value;

function mayAsk(headers) {
  const keys = headers.getAll("sec-websocket-key");
  const octets = Buffer.from(keys[0] ?? "", "base64");
  const protocols = headers.has("sec-websocket-protocol") ? listed(headers, "sec-websocket-protocol") : [];
  return (
    lists(headers, "upgrade", "websocket") &&
    lists(headers, "connection", "upgrade") &&
    once(headers, "sec-websocket-version", "13") &&
    keys.length === 1 &&
    octets.length === 16 &&
    octets.toString("base64") === keys[0] &&
    protocols.every((protocol, at) => TOKEN.test(protocol) && protocols.indexOf(protocol) === at)
  );
}

function mayAnswer(headers, extensions) {
  return (
    headers.get("upgrade")?.toLowerCase() === "websocket" &&
    lists(headers, "connection", "upgrade") &&
    once(headers, "sec-websocket-accept", ACCEPT) &&
    (!headers.has("sec-websocket-protocol") || once(headers, "sec-websocket-protocol", "chat")) &&
    extensions.every(({ name }) => name === "permessage-deflate") &&
    extensions.length <= 1
  );
}

function same(what, is, should) {
  if (is !== should) throw new Error(`${what}: ${is ? "taken" : "refused"}`);
}

export function run(input) {
  const headers = headersOf(input);
  const understood = parseExtensions(headers.get("sec-websocket-extensions") ?? "");
  const asked = refusable(() => readUpgradeRequest({ method: "GET", version: 11, headers }));
  same("The request", asked !== undefined, understood !== undefined && mayAsk(headers));
  const wishes = { key: "", protocols: ["chat"], extensions: [offerDeflate(WISHES[0])] };
  const answered = refusable(() => readUpgradeAnswer(headers, ACCEPT, wishes));
  same("The answer", answered !== undefined, understood !== undefined && mayAnswer(headers, understood));
  for (const { name, parameters } of understood ?? []) {
    for (const text of [name, ...parameters.flat().filter((part) => part !== true)]) {
      if (!TOKEN.test(text)) throw new Error(`${JSON.stringify(text)} is no token`);
    }
  }
  const extensions = understood ?? [];
  for (const extension of extensions) {
    const [again] = parseExtensions(formatExtension(extension)) ?? [];
    if (JSON.stringify(again) !== JSON.stringify(extension))
      throw new Error(`${formatExtension(extension)} is read otherwise`);
  }
  for (const wishes of WISHES) {
    const accepted = acceptDeflate(extensions, wishes);
    if (accepted !== undefined) checkAgreement(accepted.agreement, wishes);
    for (const extension of extensions) {
      const agreement = agreeDeflate(extension, wishes);
      if (agreement !== undefined) checkAgreement(agreement, wishes);
    }
  }
}

function checkAgreement(agreement, wishes) {
  for (const side of ["server", "client"]) {
    const bits = agreement[`${side}MaxWindowBits`];
    if (!Number.isInteger(bits) || bits < 8 || bits > wishes[`${side}MaxWindowBits`])
      throw new Error(`${side} window of ${bits} bits`);
    if (wishes[`${side}NoContextTakeover`] && !agreement[`${side}NoContextTakeover`])
      throw new Error(`${side} context`);
  }
}
