/** What a client under test does, each in the way its documentation recommends for speed. */

/** How many requests are in flight. */
export interface ClientSettings {
  readonly origin: string;
  /** Connections, and requests in flight. */
  readonly connections: number;
}

/** One client, ready to ask. Both methods check the status, and reject for any but 200 (or for 400 and more, where that is built in). */
export interface BenchClient {
  /** The text of the answer to a GET. */
  getText(path: string): Promise<string>;
  /** The parsed JSON of the answer to a POST of `value` as JSON. */
  postJson(path: string, value: unknown): Promise<unknown>;
}

/** The main export of each file of this folder. */
export type ClientAdapter = (settings: ClientSettings) => BenchClient | Promise<BenchClient>;
