/**
 * What `import "sluice"` loads: the compiler's modules, a few hundred, joined into a few. Finding, reading and linking a module takes Node
 * half a millisecond whatever is in it, so that one import would take longer than many a script that makes it (decision 33).
 *
 * What an entry of the package needs at once is in one file, or in one that it shares with other entries; what is loaded on first use stays
 * apart. Every file is one folder down from `dist/bundle`: above itself is where the library looks for the frames that are its own.
 */
import { existsSync, readFileSync, renameSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";

const BUNDLE = "dist/bundle";
const ENTRIES = "entries";

/** Joins the modules in `dist` of a package into `dist/bundle`, unless that is newer. */
export async function bundle(folder) {
  const made = join(folder, BUNDLE);
  const entries = entriesOf(folder);
  if (isNewer(join(made, ENTRIES, `${Object.keys(entries)[0]}.js`), join(folder, "dist/.tsbuildinfo"))) return;
  const { rolldown } = await import("rolldown");
  const build = await rolldown({
    input: entries,
    platform: "node",
    // Relative ones are ours, and all others are other packages or Node's.
    external: /^[^./]/,
    treeshake: { moduleSideEffects: false },
  });
  const fresh = `${made}-in-the-making`;
  rmSync(fresh, { recursive: true, force: true });
  await build.write({
    dir: fresh,
    format: "es",
    entryFileNames: `${ENTRIES}/[name].js`,
    chunkFileNames: "shared/[name]-[hash].js",
    comments: { legal: true, annotation: true, jsdoc: false },
  });
  await build.close();
  rmSync(made, { recursive: true, force: true });
  renameSync(fresh, made);
}

/** The public entries that are to be joined, by name: those whose `default` is there. */
function entriesOf(folder) {
  const { exports } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  const pattern = new RegExp(`^\\./${BUNDLE}/${ENTRIES}/(.+)\\.js$`);
  const names = Object.values(exports).flatMap((target) => pattern.exec(target.default ?? "")?.[1] ?? []);
  return Object.fromEntries(names.map((name) => [name, join(folder, "dist", `${name}.js`)]));
}

function isNewer(made, source) {
  return existsSync(made) && statSync(made).mtimeMs >= statSync(source).mtimeMs;
}
