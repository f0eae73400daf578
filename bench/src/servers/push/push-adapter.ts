/** What a push server under test can do. */

/** One that listens on 127.0.0.1, on a port of the system's choice. */
export interface PushServer {
  readonly port: number;
  /** Sends the text to every subscriber, in the way its documentation recommends. Resolves when it takes the next. */
  broadcast(text: string): Promise<unknown>;
  /** Sends so many bytes to those alone who asked for `/push?alone` too. */
  fill?(bytes: number): void;
  /** Bytes that wait for subscribers, where the server can tell. */
  queuedBytes?(): number;
}

/** The main export of each other file of this folder. */
export type PushAdapter = () => Promise<PushServer>;
