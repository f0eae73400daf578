/** The page for people: a list and a form. It works without scripts, and loads nothing from anywhere. */
import type { SharedFile } from "./shared-folder.js";

const STYLE = `
body { font: 16px/1.5 system-ui, sans-serif; max-width: 44rem; margin: 3rem auto; padding: 0 1rem; color: #222; }
table { border-collapse: collapse; width: 100%; }
td { padding: .4rem; border-bottom: 1px solid #ddd; }
td + td { text-align: right; color: #666; white-space: nowrap; }
form { margin-top: 2rem; }`;

export function sharePage(files: readonly SharedFile[], urlOf: (name: string) => string): string {
  const rows = files.map(
    ({ name, size, changed }) =>
      `<tr><td><a href="${escaped(urlOf(name))}">${escaped(name)}</a></td><td>${size} bytes</td><td>${escaped(changed)}</td></tr>`,
  );
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Files</title>
<style>${STYLE}</style>
<h1>Files</h1>
<table>${rows.join("\n")}</table>
<form method="post" action="/files" enctype="multipart/form-data">
<input type="file" name="files" multiple required aria-label="Files to share"> <button>Share</button>
</form>
</html>
`;
}

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
