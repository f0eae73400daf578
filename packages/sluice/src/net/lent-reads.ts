/**
 * Reading into a lent buffer, for sockets that were accepted. Sockets that Node connects have the option `onread` for it; for those that
 * a server accepts there is none, and each packet costs 64 KiB asked for and given back, an ArrayBuffer, a Buffer and an event: a quarter
 * of what a small request costs, and twice the time that its garbage stops the process for.
 *
 * All that the option does is to set two properties of the socket and to tell its handle, and this does the same (decision 31). The names
 * of the properties are Node's own: they are found by making a socket with the option and looking where it put what it was given. Where a
 * Node keeps them elsewhere, nothing is touched and the socket is read as any other.
 */

import { Socket } from "node:net";

/** Called with the bytes that are at the start of the buffer, as a method of the socket; what it returns is as for `onread`. */
export type LentRead = (this: Socket, byteCount: number) => boolean;

/** Where a socket keeps what `onread` said. */
interface Places {
  readonly buffer: symbol;
  readonly callback: symbol;
}

interface Handle {
  useUserBuffer(buffer: Uint8Array): void;
}

let places: Places | "nowhere" | undefined;

/**
 * Has the accepted `socket` read into `buffer` from now on, which other sockets may share. False, and nothing is changed, where that
 * cannot be had: on Windows, which fills a buffer long before it tells, in a Node that works in another way, or too late.
 */
export function lendReadBuffer(socket: Socket, buffer: Buffer, onRead: LentRead): boolean {
  places ??= process.platform === "win32" ? "nowhere" : findPlaces();
  const handle: unknown = Reflect.get(socket, "_handle");
  if (places === "nowhere" || !hasUserBuffer(handle)) return false;
  // What has been read already waits in the stream, where nobody who reads from the buffer would look.
  if (!(places.buffer in socket && places.callback in socket) || socket.readableLength > 0) return false;
  Object.assign(socket, { [places.buffer]: buffer, [places.callback]: onRead });
  handle.useUserBuffer(buffer);
  return true;
}

function findPlaces(): Places | "nowhere" {
  const onread = { buffer: new Uint8Array(1), callback: () => true };
  const options = { readable: false, onread };
  const example = new Socket(options);
  const keeperOf = (value: unknown) =>
    Object.getOwnPropertySymbols(example).find((symbol) => Reflect.get(example, symbol) === value);
  const [buffer, callback] = [keeperOf(onread.buffer), keeperOf(onread.callback)];
  return buffer === undefined || callback === undefined ? "nowhere" : { buffer, callback };
}

function hasUserBuffer(handle: unknown): handle is Handle {
  return typeof handle === "object" && handle !== null && typeof Reflect.get(handle, "useUserBuffer") === "function";
}
