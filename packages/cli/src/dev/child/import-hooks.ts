/** Before Node 22.15 hooks for `import` live on a thread of their own; this module is what runs there. */
import type { ResolveHook } from "node:module";
import { tellMissing, tellUrl } from "./tell-file.js";

/** Lets every module be found as it would be, and tells of it. */
export const resolve: ResolveHook = async (specifier, context, nextResolve) => {
  try {
    const found = await nextResolve(specifier, context);
    tellUrl(found.url);
    return found;
  } catch (error) {
    tellMissing(specifier, context.parentURL);
    throw error;
  }
};
