/** Recognises `FormData` by its tag: naming the class would load Node's own fetch with it, and miss another realm's. */

/** The part of `FormData` that sending needs. */
export interface FormDataLike {
  getAll(name: string): (string | Blob)[];
  [Symbol.iterator](): Iterator<[string, string | Blob]>;
}

/** Whether it is `FormData` of any make. */
export function isFormData(value: object): value is FormDataLike {
  return Object.prototype.toString.call(value) === "[object FormData]";
}
