/**
 * Large messages are deflated and inflated on the platform's threads. So many at a time as there are threads, in the whole process: more
 * would not be done sooner, and each one at work holds up to 300 KB.
 */

import { Semaphore } from "../../concurrency/semaphore.js";

const AT_A_TIME = 4;
const places = new Semaphore(AT_A_TIME);

/** Runs `start`, which is given a callback of Node's kind, when there is a place; first come, first served. */
export async function offLoop<T>(start: (done: (error: Error | null, result: T) => void) => void): Promise<T> {
  const place = await places.acquire();
  try {
    return await new Promise<T>((resolve, reject) => {
      start((error, result) => (error === null ? resolve(result) : reject(error)));
    });
  } finally {
    place.release();
  }
}
