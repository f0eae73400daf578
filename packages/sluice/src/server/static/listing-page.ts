/**
 * The list of a folder as a page: one document without scripts and without anything from elsewhere, in light and dark, for mouse,
 * keyboard and screen reader. Every name in it comes from a file system that others may write to, so every one is escaped.
 */

import type { FolderEntry } from "../../platform/folder.js";
import { escapeHtml } from "../escape-html.js";

/** How entries are sorted; folders always come first. */
export interface ListingOrder {
  readonly by: "name" | "size" | "modified";
  readonly descending: boolean;
}

const COLUMNS = [
  ["name", "Name"],
  ["size", "Size"],
  ["modified", "Modified (UTC)"],
] as const;
const UNITS = ["B", "KiB", "MiB", "GiB", "TiB"];
const KIB = 1_024;
/** One order for every server, whatever its locale: "2" before "10". */
const BY_NAME = new Intl.Collator("en", { numeric: true });

const STYLE = `
:root { color-scheme: light dark; --line: light-dark(#d8dee4, #30363d); --quiet: light-dark(#59636e, #9198a1);
  --link: light-dark(#0550ae, #79b8ff); --over: light-dark(#f2f5f8, #1c2128); }
body { margin: 0; background: light-dark(#fff, #0d1117); color: light-dark(#1f2328, #e6edf3);
  font: 16px/1.5 system-ui, sans-serif; }
main { max-width: 60rem; margin: 0 auto; padding: 1.5rem 1rem 3rem; }
h1 { font-size: 1.25rem; font-weight: 600; overflow-wrap: anywhere; }
a { color: var(--link); text-decoration: none; }
a:hover { text-decoration: underline; }
a:focus-visible { outline: 2px solid var(--link); outline-offset: 2px; border-radius: 2px; }
table { width: 100%; border-collapse: collapse; }
th, td { padding: .4rem .6rem; border-bottom: 1px solid var(--line); text-align: left; }
th a { color: var(--quiet); font-weight: 500; }
tbody tr:hover { background: var(--over); }
td:first-child { overflow-wrap: anywhere; }
.size, .modified { text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums; color: var(--quiet); }
p { color: var(--quiet); }
@media (max-width: 34rem) { .modified { display: none; } }
`;

/** A sorted copy. */
export function sortEntries(entries: readonly FolderEntry[], { by, descending }: ListingOrder): FolderEntry[] {
  const sign = descending ? -1 : 1;
  return [...entries].sort((one, other) => {
    if (one.kind !== other.kind) return one.kind === "folder" ? -1 : 1;
    const difference =
      by === "size" ? one.size - other.size : by === "modified" ? one.modifiedTime - other.modifiedTime : 0;
    return sign * (difference || BY_NAME.compare(one.name, other.name) || (one.name < other.name ? -1 : 1));
  });
}

/** The whole document for the folder at `segments`, unescaped names from the root that is served. */
export function listingPage(segments: readonly string[], entries: readonly FolderEntry[], order: ListingOrder): string {
  const title = escapeHtml(`/${segments.map((segment) => `${segment}/`).join("")}`);
  const rows = [...(segments.length === 0 ? [] : [PARENT]), ...entries.map(row)];
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}</title>
<style>${STYLE}</style>
</head>
<body>
<main>
<h1>${crumbs(segments)}</h1>
<table>
<thead>
<tr>${COLUMNS.map(([by, label]) => columnHead(by, label, order)).join("")}</tr>
</thead>
<tbody>
${rows.join("\n")}
</tbody>
</table>
${entries.length === 0 ? "<p>This folder is empty.</p>\n" : ""}</main>
</body>
</html>
`;
}

const PARENT = `<tr><td><a href="../" rel="up">../</a></td><td class="size"></td><td class="modified"></td></tr>`;

/** Each folder on the way is a link, told from here: nobody knows under which prefix the page was asked for. */
function crumbs(segments: readonly string[]): string {
  const depth = segments.length;
  const links = segments.map((segment, index) => {
    const text = `${escapeHtml(segment)}/`;
    return index === depth - 1 ? text : `<a href="${"../".repeat(depth - 1 - index)}">${text}</a>`;
  });
  return [depth === 0 ? "/" : `<a href="${"../".repeat(depth)}">/</a>`, ...links].join("");
}

function columnHead(by: ListingOrder["by"], label: string, order: ListingOrder): string {
  const sorted = by === order.by ? ` aria-sort="${order.descending ? "descending" : "ascending"}"` : "";
  const arrow = by === order.by ? (order.descending ? " ↓" : " ↑") : "";
  const other = by === order.by && !order.descending ? `-${by}` : by;
  return `<th scope="col" class="${by}"${sorted}><a href="?sort=${other}">${label}${arrow}</a></th>`;
}

function row({ name, kind, size, modifiedTime }: FolderEntry): string {
  const slash = kind === "folder" ? "/" : "";
  const time = new Date(modifiedTime).toISOString();
  const shownSize = kind === "folder" ? "" : `<span title="${size} bytes">${readableSize(size)}</span>`;
  return (
    `<tr><td><a href="./${escapeHtml(encodeURIComponent(name))}${slash}">${escapeHtml(name)}${slash}</a></td>` +
    `<td class="size">${shownSize}</td>` +
    `<td class="modified"><time datetime="${time}">${time.slice(0, 16).replace("T", " ")}</time></td></tr>`
  );
}

function readableSize(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= KIB && unit < UNITS.length - 1) {
    value /= KIB;
    unit += 1;
  }
  return `${unit === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${UNITS[unit]}`;
}
