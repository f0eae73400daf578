/**
 * Tells of every file that the program loads, with `import` or `require`, at its start or later. It only looks on: how modules are found
 * and loaded stays Node's business, and that of the hooks that were there before.
 */
import nodeModule, { createRequire, type ResolveHookContext, register } from "node:module";
import { pathToFileURL } from "node:url";
import { tellMissing, tellPath, tellUrl } from "./tell-file.js";

interface Found {
  readonly url: string;
}
type NextResolve = (specifier: string, context: ResolveHookContext) => Found;
/** What Node 22.15 and 23.5 have: hooks on this thread, for both kinds of modules. */
type RegisterHooks = (hooks: { readonly resolve: typeof resolve }) => unknown;
type Extension = (module: NodeJS.Module, path: string) => unknown;

/** To be called before the program is loaded. */
export function watchImports(): void {
  const { registerHooks } = nodeModule as { readonly registerHooks?: RegisterHooks };
  if (registerHooks === undefined) watchInTwoWays();
  else registerHooks({ resolve });
}

function resolve(specifier: string, context: ResolveHookContext, nextResolve: NextResolve): Found {
  try {
    const found = nextResolve(specifier, context);
    tellUrl(found.url);
    return found;
  } catch (error) {
    tellMissing(specifier, context.parentURL);
    throw error;
  }
}

function watchInTwoWays(): void {
  register("./import-hooks.js", import.meta.url);
  const { extensions } = createRequire(import.meta.url);
  for (const name of Object.keys(extensions)) {
    const load = extensions[name] as Extension | undefined;
    if (load === undefined) continue;
    extensions[name] = (module: NodeJS.Module, path: string) => {
      tellPath(path);
      return load(module, path);
    };
  }
  process.on("uncaughtExceptionMonitor", tellMissingRequired);
}

/** Nothing has seen where `require` looked in vain, but its error says so. */
function tellMissingRequired(error: Error & { readonly requireStack?: readonly string[] }): void {
  const [from] = error.requireStack ?? [];
  const specifier = /^Cannot find module '(.+)'/.exec(error.message)?.[1];
  if (from !== undefined && specifier !== undefined) tellMissing(specifier, pathToFileURL(from).href);
}
