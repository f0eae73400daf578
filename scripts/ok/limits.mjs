/**
 * Each limit stands in SECURITY.md: every property of every exported interface named `…Limits` in the library must be
 * there, as `` `name` ``. (Which default it has is for the reader of that file to keep true, and for the tests.)
 */
import { existsSync } from "node:fs";
import { join } from "node:path";
import ts from "typescript";
import { lineOf, parse } from "../lib/imports.mjs";
import { filesBelow, read } from "../lib/project.mjs";
import { ROOT } from "../lib/root.mjs";

export const title = "limits";

export async function check() {
  const limits = filesBelow("packages/sluice/src", /\.ts$/).flatMap((path) => limitsIn(path, read(path)));
  if (!existsSync(join(ROOT, "SECURITY.md"))) return { problems: ["SECURITY.md is missing"], notes: [] };
  return { problems: notListed(limits, read("SECURITY.md")), notes: [`${limits.length} limits are listed`] };
}

/** @returns {{ name: string, at: string }[]} */
export function limitsIn(path, text) {
  const source = parse(path, text);
  const found = [];
  for (const statement of source.statements) {
    if (!ts.isInterfaceDeclaration(statement) || !statement.name.text.endsWith("Limits")) continue;
    for (const member of statement.members) {
      if (!ts.isPropertySignature(member)) continue;
      found.push({ name: member.name.getText(source), at: `${path}:${lineOf(source, member)}` });
    }
  }
  return found;
}

export function notListed(limits, securityText) {
  return limits
    .filter(({ name }) => !new RegExp(`\`([a-zA-Z]+\\.)*${name}\``).test(securityText))
    .map(({ name, at }) => `${at}: ${name} is not in SECURITY.md`);
}
