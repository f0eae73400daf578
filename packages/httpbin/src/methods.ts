/** The methods of endpoints that take all of them. */

/** HEAD comes with GET, and OPTIONS is answered by the application itself. */
export const ANY_METHOD: readonly string[] = ["GET", "POST", "PUT", "PATCH", "DELETE", "QUERY", "TRACE"];
