/**
 * Puts light classes in place of the platform's, and takes them away again. `Response` is replaced always. `Request` and `fetch` are
 * where the platform keeps its objects' insides in private fields: there `new Request(request)` and `fetch(request)` have to be handed
 * the native request that stands for ours. Objects made while the light classes are in place stay good afterwards.
 */

import { LightResponse } from "./light-response.js";
import { ServedRequest, servesAsNative } from "./served-request.js";

type GlobalName = "Request" | "Response" | "fetch";

/** What was put in place, and what stood there. */
interface Replaced {
  readonly name: GlobalName;
  readonly light: unknown;
  readonly before: PropertyDescriptor;
}

let users = 0;
let replaced: readonly Replaced[] = [];

/** Replaces the globals unless they are; the function that is returned takes this back, once, when it is the last one to be called. */
export function useLightGlobals(symbolsInside: boolean = servesAsNative): () => void {
  users += 1;
  if (users === 1) replaced = install(symbolsInside);
  let over = false;
  return () => {
    if (over) return;
    over = true;
    users -= 1;
    if (users === 0) restore();
  };
}

function install(symbolsInside: boolean): readonly Replaced[] {
  const light: [GlobalName, unknown][] = [["Response", LightResponse]];
  if (!symbolsInside)
    light.push(["Request", lightRequest(globalThis.Request)], ["fetch", lightFetch(globalThis.fetch)]);
  return light.map(([name, value]) => replace(name, value));
}

function replace(name: GlobalName, light: unknown): Replaced {
  const before = Object.getOwnPropertyDescriptor(globalThis, name) ?? { configurable: true };
  const { enumerable = false } = before;
  Object.defineProperty(globalThis, name, { value: light, writable: true, enumerable, configurable: true });
  return { name, light, before };
}

/** What somebody else has put in place since stays. */
function restore(): void {
  for (const { name, light, before } of replaced) {
    if (globalThis[name] === light) Object.defineProperty(globalThis, name, before);
  }
  replaced = [];
}

/** The platform's class, for all that it is asked; only what it is made of is unwrapped. */
function lightRequest(Native: typeof globalThis.Request): unknown {
  return new Proxy(Native, {
    construct: (target, [input, ...rest], newTarget) =>
      Reflect.construct(target, [ServedRequest.nativeOf(input), ...rest], newTarget),
  });
}

function lightFetch(native: typeof globalThis.fetch): typeof globalThis.fetch {
  return (input, init) => native(ServedRequest.nativeOf(input) as Request, init);
}
