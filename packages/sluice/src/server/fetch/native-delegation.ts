/**
 * Makes a class of ours pass for one of the platform's: `instanceof` holds, and whatever ours does not do itself is done by a native
 * object, made at that moment. What the platform keeps inside its objects is reached by symbols in Node 20 and 22: there a light object
 * serves wherever a native one does, for looking inside makes the native one. Later versions keep it in private fields.
 */

/** The two sides of a delegation. */
export interface Delegation<T extends object> {
  /** The platform's prototype. */
  readonly real: object;
  /** One of the platform's objects, to learn from it what is inside. */
  readonly sample: object;
  /** The native object that stands for one of ours. */
  toNative(light: T): object;
}

/** Completes `prototype`. Members that it has itself are left alone. */
export function delegateRest<T extends object>(prototype: T, { real, sample, toNative }: Delegation<T>): void {
  for (const key of Reflect.ownKeys(real)) {
    if (key !== "constructor" && Object.hasOwn(prototype, key)) continue;
    const described = Object.getOwnPropertyDescriptor(real, key);
    if (described === undefined) continue;
    const { value, get } = described;
    if (key === "constructor") {
      Object.defineProperty(prototype, key, described);
    } else if (get !== undefined) {
      defineGetter(prototype, key, toNative);
    } else if (typeof value === "function") {
      const call = function (this: T, ...given: unknown[]): unknown {
        return Reflect.apply(value, toNative(this), given);
      };
      Object.defineProperty(prototype, key, { ...described, value: call });
    }
  }
  for (const key of Object.getOwnPropertySymbols(sample)) defineGetter(prototype, key, toNative);
  Object.setPrototypeOf(prototype, real);
}

/** Whether the platform looks inside its objects by symbols, so that a light one can stand for a native one. */
export function looksInsideBySymbol(sample: object): boolean {
  return Object.getOwnPropertySymbols(sample).length > 0;
}

function defineGetter<T extends object>(prototype: T, key: PropertyKey, toNative: (light: T) => object): void {
  const get = function (this: T): unknown {
    return Reflect.get(toNative(this), key);
  };
  Object.defineProperty(prototype, key, { get, enumerable: typeof key === "string", configurable: true });
}
