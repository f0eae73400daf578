/** Heads and times as text. */
import type { ClientResponse, ResponseTimings } from "sluice";
import { type Colours, statusRole } from "../terminal/colours.js";
import { showDuration } from "../terminal/quantities.js";
import { safeLine } from "../terminal/safe-text.js";

const PHASES = ["queued", "dns", "connect", "tls", "send", "wait", "receive", "total"] as const;

/** Status line and field lines, as they came, and a blank line. */
export function headText(response: ClientResponse, colours: Colours): string {
  const lines = [colours(statusRole(response.status), colours("strong", statusLine(response)))];
  const { raw } = response.headers;
  for (let at = 0; at < raw.length; at += 2) {
    lines.push(`${colours("name", safeLine(raw[at] ?? ""))}: ${safeLine(raw[at + 1] ?? "")}`);
  }
  return `${lines.join("\n")}\n\n`;
}

function statusLine({ status, statusText, httpVersion }: ClientResponse): string {
  return `HTTP/${httpVersion} ${status}${statusText === "" ? "" : ` ${safeLine(statusText)}`}`;
}

/** What was asked and where it led: a line for each request and each redirect, and the last status where no head shows it. */
export function requestText(response: ClientResponse, colours: Colours, showsHead: boolean): string {
  const lines: string[] = [];
  for (const hop of [...response.history, response]) {
    const { pathname, search, host } = hop.request.url;
    lines.push(`> ${colours("strong", hop.method)} ${safeLine(pathname + search)} HTTP/1.1`, `> host: ${host}`);
    // Credentials are not repeated, not even to whoever gave them: screens are shared and recorded.
    for (const [name, value] of Object.entries(hop.request.headers.toJSON())) {
      lines.push(`> ${safeLine(name)}: ${safeLine(String(value))}`);
    }
    if (hop !== response) lines.push(`< HTTP/${hop.httpVersion} ${hop.status}, to ${safeLine(hop.location ?? "")}`);
  }
  const sends = response.request.attempt;
  if (sends > response.history.length + 1) lines.push(`> ${sends} sends in all: --trace shows each`);
  if (!showsHead) lines.push(`< ${statusLine(response)}`);
  return `${lines.map((line) => colours("faint", line)).join("\n")}\n`;
}

/** Where the time went, for the last request; a dash for what did not happen. */
export function timingsText(timings: ResponseTimings, remote: string | undefined, colours: Colours): string {
  // The library counts making a connection as waiting for one; here each has its own line.
  const queued = Math.max(0, timings.queued - timings.dns - timings.connect - timings.tls);
  const times = { ...timings, queued };
  const lines = PHASES.map((phase) => {
    const ms = times[phase];
    return `${phase.padEnd(8)} ${(ms > 0 ? showDuration(ms) : "–").padStart(8)}`;
  });
  const from = remote === undefined ? "" : `${"from".padEnd(8)} ${remote}\n`;
  return colours("faint", `${from}${lines.join("\n")}`).concat("\n");
}
