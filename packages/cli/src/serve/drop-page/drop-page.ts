/**
 * The page that uploads are dropped on: one document with its style and script in it, which may load nothing and talk to nobody but where
 * it came from. Its policy names style and script by their digests.
 */
import { createHash } from "node:crypto";
import { reply } from "sluice/server";
import { DROP_SCRIPT } from "./drop-script.js";

const STYLE = `
:root { color-scheme: light dark; --page: #fff; --text: #1b1b1b; --line: #767676; --accent: #0b57d0; --bad: #b3261e; --good: #146c2e; }
@media (prefers-color-scheme: dark) { :root { --page: #16181c; --text: #e6e6e6; --line: #9a9a9a; --accent: #a8c7fa; --bad: #f2b8b5; --good: #8fd6a1; } }
* { box-sizing: border-box; }
html { background: var(--page); color: var(--text); }
body { font: 1rem/1.5 system-ui, sans-serif; max-width: 44rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.1rem; }
#zone { border: 2px dashed var(--line); border-radius: .75rem; padding: 2.5rem 1rem; text-align: center; }
#zone.over { border-color: var(--accent); border-style: solid; }
#zone label { position: relative; display: inline-block; border: 1px solid var(--line); border-radius: .4rem; padding: .4rem 1rem; cursor: pointer; }
#zone label:hover { border-color: var(--accent); }
#picker { position: absolute; width: 1px; height: 1px; opacity: 0; }
#zone label:focus-within, button:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
ul { list-style: none; padding: 0; }
#uploads li, #earlier li { display: grid; grid-template-columns: 1fr auto; align-items: center; gap: .25rem 1rem; padding: .75rem 0; border-bottom: 1px solid var(--line); }
.name { grid-column: 1 / -1; overflow-wrap: anywhere; min-width: 0; } progress { grid-column: 1 / -1; width: 100%; accent-color: var(--accent); }
.figures { font-variant-numeric: tabular-nums; } .buttons { display: flex; gap: .5rem; justify-content: end; }
.done .figures { color: var(--good); } .failed .figures { color: var(--bad); }
button { font: inherit; padding: .25rem .75rem; }
`;

const PAGE = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Upload files</title>
<link rel="icon" href="data:,">
<style>${STYLE}</style>
</head>
<body>
<main>
<h1>Upload files</h1>
<div id="zone">
<p>Drop files here, or</p>
<p><label>Choose files<input type="file" id="picker" multiple></label></p>
</div>
<section id="earlier" aria-labelledby="earlier-title" hidden>
<h2 id="earlier-title">Unfinished</h2>
<p>These were begun before. Choose or drop them again, and they go on where they were.</p>
<ul id="earlier-names"></ul>
</section>
<ul id="uploads" aria-label="Uploads"></ul>
<p id="said" role="status"></p>
</main>
<script>${DROP_SCRIPT}</script>
</body>
</html>
`;

const POLICY = [
  "default-src 'none'",
  `script-src '${digestOf(DROP_SCRIPT)}'`,
  `style-src '${digestOf(STYLE)}'`,
  "img-src data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ");

/** The page as an answer. */
export function dropPage(): ReturnType<typeof reply.html> {
  return reply.html(PAGE, {
    headers: {
      "Content-Security-Policy": POLICY,
      "X-Content-Type-Options": "nosniff",
      "Referrer-Policy": "no-referrer",
      "Cache-Control": "no-cache",
    },
  });
}

function digestOf(text: string): string {
  return `sha256-${createHash("sha256").update(text).digest("base64")}`;
}
