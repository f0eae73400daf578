/**
 * What must not stand in a text of the project: paths of somebody's machine, addresses of hosts that nobody vouched for
 * (documents and manifests), line ends other than LF, space at the end of a line. Links between documents must lead
 * somewhere, and every published package carries the licence.
 */
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { filesBelow, read, workspaces } from "../lib/project.mjs";
import { ROOT } from "../lib/root.mjs";

export const title = "texts";

const TEXT = /(^|\/)(\.ci\/run|\.npmrc|LICENSE|[^/]+\.(md|ts|mjs|js|json|ya?ml|html|txt))$/;
const FIXTURE = /(^|\/)fixtures\//;
/** Homes and work folders of a machine; written so that this line does not match itself. */
const MACHINE_PATH = /(?<![\w.~])\/(?:[w]ork|[r]oot|[h]ome\/[a-z]+|[U]sers\/[A-Za-z]+)\/[\w.]/;
const FOREIGN_FOLDER = /\b[s]hared\/(design|conformance|research|hooks)\b/;
const REMOTE = /https?:\/\/(\[[\da-f:]+\]|[^\s/:)"'`<>\\]+)/g;
/** Reserved names (RFC 2606, RFC 6761), loopback, got's word for a Unix socket, and the standards bodies whose pages we cite. */
const KNOWN_HOST =
  /(^|\.)(example\.(com|org|net)|example|test|invalid|localhost|rfc-editor\.org|ietf\.org|w3\.org|whatwg\.org|nodejs\.org|tus\.io)$|^127\.|^\[::1\]$|^0\.0\.0\.0$|^unix$|^[$*…{]/;

export async function check() {
  const problems = [];
  const files = filesBelow("", TEXT).filter((path) => path !== "package-lock.json" && !FIXTURE.test(path));
  for (const path of files) problems.push(...checkText(path, read(path)));
  for (const path of files.filter((one) => one.endsWith(".md"))) problems.push(...checkLinks(path, read(path)));
  const licence = existsSync(join(ROOT, "LICENSE")) ? read("LICENSE") : undefined;
  if (licence === undefined) problems.push("LICENSE is missing");
  for (const { folder, isPublished } of workspaces()) {
    if (!isPublished) continue;
    const copy = existsSync(join(ROOT, folder, "LICENSE")) ? read(`${folder}/LICENSE`) : undefined;
    if (copy !== licence) problems.push(`${folder}/LICENSE is not a copy of LICENSE`);
    if (!existsSync(join(ROOT, folder, "README.md"))) problems.push(`${folder}/README.md is missing`);
  }
  return { problems, notes: [`${files.length} files`] };
}

/** @returns {string[]} */
export function checkText(path, text) {
  const problems = [];
  if (text.includes("\r")) problems.push(`${path}: has CR line ends`);
  for (const [index, line] of text.split("\n").entries()) {
    const at = `${path}:${index + 1}`;
    if (MACHINE_PATH.test(line)) problems.push(`${at}: a path of some machine: ${line.trim().slice(0, 80)}`);
    if (FOREIGN_FOLDER.test(line)) problems.push(`${at}: a folder outside the project`);
    if (/[ \t]$/.test(line)) problems.push(`${at}: space at the end of the line`);
    if (!/\.md$|package\.json$/.test(path)) continue;
    for (const [, host] of line.matchAll(REMOTE)) {
      if (!KNOWN_HOST.test(host))
        problems.push(`${at}: the address of ${host}; use example.com, or vouch for it in texts.mjs`);
    }
  }
  return problems;
}

/** Relative links of a document; those within code are none. */
export function checkLinks(path, text) {
  const prose = text.replace(/```[\s\S]*?```/g, "").replace(/`[^`\n]*`/g, "");
  const problems = [];
  for (const [, target] of prose.matchAll(/\]\(([^)\s]+)\)/g)) {
    if (/^([a-z]+:|#)/.test(target)) continue;
    const file = target.split("#")[0];
    if (!existsSync(join(ROOT, dirname(path), file))) problems.push(`${path}: links to ${target}, which is not there`);
  }
  return problems;
}
