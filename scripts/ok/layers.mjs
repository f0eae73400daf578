/**
 * The layer table, checked from the real imports of `packages/sluice/src`, so that nobody has to remember it.
 *
 * A room is a folder of `src` (`errors` is the file `errors.ts`). Rooms import downward only, as `layers.json` has it; Node's
 * modules and the dependencies come in at the places named there; the lower layers use no timers, dates or randomness of
 * their own; no files import each other in a circle. `node scripts/ok/layers.mjs --write` writes ARCHITECTURE.md's table.
 */
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import ts from "typescript";
import { globalsUsed, importsOf, lineOf, parse, resolveRelative } from "../lib/imports.mjs";
import { filesBelow, read, workspaces } from "../lib/project.mjs";
import { ROOT } from "../lib/root.mjs";

const SOURCE = "packages/sluice/src/";
const TABLE_PATTERN = /(<!-- layers:begin.*?-->\n)([\s\S]*?)(<!-- layers:end -->)/;
const TIMERS = ["setTimeout", "setInterval", "clearTimeout", "clearInterval"];
const IMPURE = ["Date.now", "new Date", "Math.random", "performance", "crypto", "process", "setImmediate", "Buffer"];

export const title = "layers";

export async function check() {
  const table = JSON.parse(read("scripts/ok/layers.json"));
  const files = new Map();
  for (const path of filesBelow("packages/sluice/src", /\.ts$/)) files.set(path.slice(SOURCE.length), read(path));
  const { problems, importCount } = checkLayers(files, table);
  const outer = outerPackageFiles();
  problems.push(...checkOuterPackages(outer), ...checkDocument(table));
  return { problems, notes: [`${files.size} files, ${importCount} imports, ${outer.length} files around them`] };
}

/**
 * @param {ReadonlyMap<string, string>} files text by path from `src`
 * @param {object} table as in layers.json
 * @returns {{ problems: string[], importCount: number }}
 */
export function checkLayers(files, table) {
  const rooms = new Map(table.rooms.map((room) => [room.room, room]));
  const walk = { files, table, rooms, problems: [], edges: new Map(), loaders: new Map(), importCount: 0 };
  for (const [path, text] of files) {
    const isEntry = table.entries.includes(path);
    // An entry file may have a room's name; it is in none.
    const room = isEntry ? undefined : rooms.get(roomOf(path));
    if (room === undefined && !isEntry) {
      walk.problems.push(`${path}: no room of this name; add it to scripts/ok/layers.json, with its layer`);
      continue;
    }
    const source = parse(path, text);
    for (const found of importsOf(source)) {
      walk.importCount += 1;
      checkImport(walk, path, room, found);
    }
    if (room !== undefined) checkGlobals(walk, path, room, source);
    else checkEntry(walk, path, source);
  }
  for (const circle of circlesIn(walk.edges)) walk.problems.push(`imports in a circle: ${circle.join(" -> ")}`);
  for (const [key, users] of walk.loaders) {
    if (users.size > 1) walk.problems.push(`${key} is loaded by ${[...users].join(" and ")}: one file of the room may`);
  }
  return { problems: walk.problems, importCount: walk.importCount };
}

/** Served to browsers as it is. */
function isStandalone(table, path) {
  return (table.standalone ?? []).includes(path);
}

/** `http1/limits.ts` is in `http1`, `errors.ts` in `errors`. */
function roomOf(path) {
  const slash = path.indexOf("/");
  return slash === -1 ? path.replace(/\.ts$/, "") : path.slice(0, slash);
}

function checkImport(walk, path, room, found) {
  const { specifier } = found;
  if (isStandalone(walk.table, path) && found.kind !== "type") {
    walk.problems.push(`${path}:${found.line}: imports ${specifier}; it runs alone, where nothing else of ours is`);
    return;
  }
  if (specifier.startsWith(".")) return checkRelative(walk, path, room, found);
  if (room === undefined) {
    walk.problems.push(`${path}:${found.line}: an entry file only re-exports, it cannot import ${specifier}`);
  } else if (specifier.startsWith("node:")) checkNodeModule(walk, path, room, found);
  else checkDependency(walk, path, room, found);
}

function checkRelative({ files, rooms, table, problems, edges }, path, room, { specifier, line, kind }) {
  const target = resolveRelative(path, specifier);
  const at = `${path}:${line}`;
  if (target.startsWith("..")) return problems.push(`${at}: ${specifier} leaves the package`);
  if (!specifier.endsWith(".js") || !files.has(target)) return problems.push(`${at}: ${specifier} is no source file`);
  if (kind !== "type") edges.set(path, [...(edges.get(path) ?? []), target]);
  if (table.entries.includes(target)) return problems.push(`${at}: imports the entry file ${target}`);
  if (room === undefined) return;
  const other = rooms.get(roomOf(target));
  if (other === undefined || other === room) return; // an unknown room is reported once, at its own files
  if (room.may.includes(other.layer) || room.may.includes(other.room)) return;
  const way = other.layer > room.layer ? "upward" : other.layer === room.layer ? "sideways" : "past its row";
  problems.push(`${at}: ${room.room} (layer ${room.layer}) imports ${way}: ${specifier} (layer ${other.layer})`);
}

function checkNodeModule({ problems, loaders }, path, room, { specifier, line, kind }) {
  const name = specifier.slice("node:".length);
  // Types of Node's are erased; the lowest layers do without even those.
  if (kind === "type" && room.layer >= 2) return;
  const where = room.node[name];
  if (where === undefined) problems.push(`${path}:${line}: ${room.room} may not load ${specifier}`);
  else if (where === "one file") addTo(loaders, `${specifier} in ${room.room}`, path);
  else if (where !== "*" && where !== path) problems.push(`${path}:${line}: only ${where} may load ${specifier}`);
}

function checkDependency({ table, problems, loaders }, path, room, { specifier, line, kind }) {
  const home = table.dependencies[specifier];
  const at = `${path}:${line}`;
  if (home === undefined) return problems.push(`${at}: ${specifier} is not a dependency with a decision record`);
  if (home === "types") {
    if (kind !== "type") problems.push(`${at}: ${specifier} is types only: import type`);
    return;
  }
  if (home !== room.room) problems.push(`${at}: ${specifier} belongs in ${home}, not in ${room.room}`);
  if (kind === "value") problems.push(`${at}: ${specifier} must be loaded on first use, by import("${specifier}")`);
  addTo(loaders, specifier, path);
}

function checkGlobals({ table, problems }, path, room, source) {
  if (path === table.clockFile || isStandalone(table, path)) return;
  const banned = room.layer <= table.pureUpToLayer ? [...TIMERS, ...IMPURE] : TIMERS;
  const names = banned.filter((name) => !(room.globals ?? []).includes(name));
  for (const { name, line } of globalsUsed(source, names)) {
    const reason = TIMERS.includes(name)
      ? `timers are for ${table.clockFile}`
      : `layer ${room.layer} is handed such things`;
    problems.push(`${path}:${line}: uses ${name}; ${reason}`);
  }
}

/** What a package exports is written out name by name. */
function checkEntry({ problems }, path, source) {
  for (const statement of source.statements) {
    const isNamedReExport =
      ts.isExportDeclaration(statement) &&
      statement.moduleSpecifier !== undefined &&
      statement.exportClause !== undefined &&
      ts.isNamedExports(statement.exportClause);
    if (!isNamedReExport)
      problems.push(`${path}:${lineOf(source, statement)}: an entry file has named re-exports only`);
  }
}

function addTo(map, key, value) {
  const set = map.get(key) ?? new Set();
  map.set(key, set.add(value));
}

/** Each circle once, beginning with its first file in the order of `edges`. */
function circlesIn(edges) {
  const circles = [];
  const done = new Set();
  const trail = [];
  const visit = (path) => {
    const at = trail.indexOf(path);
    if (at !== -1) {
      circles.push([...trail.slice(at), path]);
      return;
    }
    if (done.has(path)) return;
    trail.push(path);
    for (const next of edges.get(path) ?? []) visit(next);
    trail.pop();
    done.add(path);
  };
  for (const path of edges.keys()) visit(path);
  return circles;
}

function outerPackageFiles() {
  return workspaces()
    .filter(({ folder }) => folder !== "packages/sluice")
    .flatMap(({ folder, manifest }) =>
      filesBelow(`${folder}/src`, /\.ts$/).map((path) => ({ folder, manifest, path, text: read(path) })),
    );
}

/** What stands around the library reaches it through its `exports`, and imports only what its package.json names. */
export function checkOuterPackages(files) {
  const problems = [];
  for (const { folder, manifest, path, text } of files) {
    for (const { specifier, line } of importsOf(parse(path, text))) {
      if (specifier.startsWith("node:")) continue;
      if (specifier.startsWith(".")) {
        const target = resolveRelative(path, specifier);
        if (!target.startsWith(`${folder}/`)) problems.push(`${path}:${line}: ${specifier} leaves the package`);
        continue;
      }
      const name = specifier.split("/", specifier.startsWith("@") ? 2 : 1).join("/");
      const named = { ...manifest.dependencies, ...manifest.optionalDependencies, ...manifest.devDependencies };
      if (!Object.hasOwn(named, name)) problems.push(`${path}:${line}: ${name} is not in ${folder}/package.json`);
    }
  }
  return problems;
}

function checkDocument(table) {
  if (!existsSync(join(ROOT, "ARCHITECTURE.md"))) return ["ARCHITECTURE.md is missing"];
  const [, , written] = TABLE_PATTERN.exec(read("ARCHITECTURE.md")) ?? [];
  if (written === undefined)
    return ["ARCHITECTURE.md: the marks <!-- layers:begin --> and <!-- layers:end --> are missing"];
  if (written.trim() === tableAsMarkdown(table).trim()) return [];
  return ["ARCHITECTURE.md: its layer table is not layers.json's; run: node scripts/ok/layers.mjs --write"];
}

/** The table as a reader sees it. */
export function tableAsMarkdown({ rooms, dependencies, clockFile }) {
  const code = (names) => names.map((name) => `\`${name}\``).join(", ");
  const rows = rooms.map(({ layer, room, decides, may, node }) => {
    const folder = ["errors", "options"].includes(room) ? `\`${room}.ts\`` : `\`${room}/\``;
    const mayText =
      may.length === 0 ? "–" : may.map((one) => (typeof one === "number" ? one : `\`${one}\``)).join(", ");
    const modules = Object.entries(node).map(([name, where]) =>
      where === "*" ? `\`${name}\`` : `\`${name}\` in ${where === "one file" ? where : `\`${where}\``}`,
    );
    const lazy = Object.keys(dependencies).filter((name) => dependencies[name] === room);
    if (clockFile.startsWith(`${room}/`)) modules.push(`timers in \`${clockFile.slice(room.length + 1)}\``);
    if (lazy.length > 0) modules.push(`${code(lazy)} on first use`);
    return `| ${layer} | ${folder} | ${decides} | ${mayText} | ${modules.join(", ") || "–"} |`;
  });
  return `${["| layer | room | decides | imports | from outside |", "|---|---|---|---|---|", ...rows].join("\n")}\n`;
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const table = JSON.parse(read("scripts/ok/layers.json"));
  if (process.argv.includes("--write")) {
    const text = read("ARCHITECTURE.md");
    const written = text.replace(TABLE_PATTERN, (_, begin, __, end) => `${begin}${tableAsMarkdown(table)}${end}`);
    writeFileSync(join(ROOT, "ARCHITECTURE.md"), written);
  } else console.log(tableAsMarkdown(table));
}
