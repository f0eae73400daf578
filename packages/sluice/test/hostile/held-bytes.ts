/** What a process holds on to, when all that it has let go of has been collected. */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

const COLLECTIONS = 5;

setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc") as () => void;

/** Memory of buffers is given back behind the collection that found them unused, and streams let go of theirs in turns of their own. */
export async function heldBytes(): Promise<number> {
  for (let look = 0; look < COLLECTIONS; look += 1) {
    collectGarbage();
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  const { arrayBuffers, heapUsed } = process.memoryUsage();
  return arrayBuffers + heapUsed;
}
