/** The `code` of a system error ("ECONNREFUSED"), or undefined for anything that has none. */
export function errorCodeOf(error: unknown): string | undefined {
  if (!(error instanceof Error) || !("code" in error)) return undefined;
  return typeof error.code === "string" ? error.code : undefined;
}
