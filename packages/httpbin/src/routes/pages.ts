/** Fixed content, and the index of everything. Nothing here loads anything from elsewhere. */

import { type Application, reply } from "sluice/server";
import { CATALOGUE, type Endpoint } from "../catalogue.js";
import { jsonReply } from "../json-reply.js";
import { DENIED, FORM_PAGE, HTML_PAGE, ROBOTS, SLIDE_SHOW, SLIDE_SHOW_XML, UTF8_SAMPLE } from "../sample-texts.js";

const PLAIN = { "Content-Type": "text/plain" };
const XML = { "Content-Type": "application/xml" };

/** `/`, `/html`, `/json`, `/xml`, `/robots.txt`, `/deny`, `/encoding/utf8`, `/forms/post`. */
export function addPageRoutes(app: Application): void {
  const index = indexPage();
  app.get("/", () => reply.html(index));
  app.get("/html", () => reply.html(HTML_PAGE));
  app.get("/json", () => jsonReply(SLIDE_SHOW));
  app.get("/xml", () => reply.text(SLIDE_SHOW_XML, { headers: XML }));
  app.get("/robots.txt", () => reply.text(ROBOTS, { headers: PLAIN }));
  app.get("/deny", () => reply.text(DENIED, { headers: PLAIN }));
  app.get("/encoding/utf8", () => reply.html(UTF8_SAMPLE));
  app.get("/forms/post", () => reply.html(FORM_PAGE));
}

function indexPage(): string {
  const groups = CATALOGUE.map(
    ({ title, endpoints }) => `<h2>${escapeHtml(title)}</h2>\n<dl>\n${endpoints.map(indexEntry).join("")}</dl>\n`,
  );
  return `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>httpbin</title>
</head>
<body>
<h1>httpbin</h1>
<p>Requests and answers to try an HTTP client on.</p>
${groups.join("")}</body>
</html>
`;
}

function indexEntry({ pattern, example, answers }: Endpoint): string {
  return `<dt><a href="${escapeHtml(example)}"><code>${escapeHtml(pattern)}</code></a></dt><dd>${escapeHtml(answers)}</dd>\n`;
}

function escapeHtml(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll('"', "&quot;");
}
