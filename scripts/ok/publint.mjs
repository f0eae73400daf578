/** publint: does package.json keep its word about the files that would be published? Suggestions count too. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { publint } from "publint";
import { formatMessage } from "publint/utils";
import { packAll } from "../lib/pack.mjs";
import { ROOT } from "../lib/root.mjs";

export const title = "publint";

export async function check() {
  const problems = [];
  const notes = [];
  for (const { name, folder, manifest, bytes, files } of packAll()) {
    const tarball = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength);
    const { messages } = await publint({ pack: { tarball }, strict: true });
    for (const message of messages) {
      problems.push(`${name}: ${formatMessage(message, manifest, { color: false })} (${message.code})`);
    }
    for (const path of files) {
      if (/\.tsbuildinfo$|(^|\/)test\//.test(path)) problems.push(`${name}: would publish ${path}`);
      const source = /^dist\/(?!bundle\/)(.*?)(?:\.d\.ts|\.js)$/.exec(path)?.[1];
      if (source !== undefined && !existsSync(join(ROOT, folder, "src", `${source}.ts`))) {
        problems.push(`${name}: ${path} has no source any more; run: node scripts/run.mjs clean`);
      }
    }
    notes.push(`${name} ${files.length} files, ${Math.ceil(bytes.byteLength / 1024)} KiB packed`);
  }
  return { problems, notes: [notes.join("; ")] };
}
