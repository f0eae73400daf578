/**
 * A crash of the machine at every moment of an upload's life: whatever of the unsynced writes is lost or torn, the upload goes on where it
 * was promised to be, or later, and ends with the right bytes.
 */
import { describe, expect, test } from "vitest";
import { ManualClock } from "../../../src/concurrency/manual-clock.js";
import { seededRandom } from "../../../src/platform/random.js";
import { Application } from "../../../src/server/application.js";
import { DirectoryStore } from "../../../src/server/uploads/directory-store.js";
import { uploads } from "../../../src/server/uploads/uploads.js";
import { type Fate, RecordingDisk } from "../../platform/recording-disk.js";
import { base64, OCTETS, TUS } from "./tus-setup.js";

/** More than is written at once, twice. */
const SIZE = 2_400_000;
const FIRST = 1_300_000;
/** Ways in which each crash may come out. */
const VARIANTS = 4;

type Sent = NonNullable<ConstructorParameters<typeof Response>[0]>;

/** What a client was told, and how many operations had been done by then. */
interface Told {
  readonly moment: number;
  readonly offset: number;
}

class Machine {
  readonly disk: RecordingDisk;
  readonly clock = new ManualClock();
  readonly app: Application;

  constructor(disk: RecordingDisk) {
    this.disk = disk;
    const store = new DirectoryStore("/up", disk);
    const onError = (): void => undefined;
    this.app = new Application({ onError }).mount("/files", uploads({ store, clock: this.clock, onError }));
  }

  async ask(method: string, path: string, headers: Readonly<Record<string, string>>, body?: Sent): Promise<Response> {
    const init = { method, headers, duplex: "half", ...(body === undefined ? {} : { body }) };
    return this.app.fetch(new Request(`http://localhost${path}`, init as RequestInit));
  }

  append(path: string, offset: number, body: Sent, more: Readonly<Record<string, string>> = {}): Promise<Response> {
    return this.ask("PATCH", path, { ...OCTETS, "Upload-Offset": String(offset), ...more }, body);
  }
}

/** Pieces that come so slowly that what came before is synced in between; then, perhaps, the connection breaks. */
function slowly(clock: ManualClock, bytes: Uint8Array, pieces: number, breaks: boolean): ReadableStream<Uint8Array> {
  let at = 0;
  const step = Math.ceil(bytes.byteLength / pieces);
  return new ReadableStream<Uint8Array>(
    {
      pull(controller) {
        clock.advance(3_000);
        if (at < bytes.byteLength) controller.enqueue(bytes.slice(at, at + step));
        else if (breaks) controller.error(new Error("The connection broke"));
        else controller.close();
        at += step;
      },
    },
    { highWaterMark: 0 },
  );
}

describe.each([
  ["with its length", { "Upload-Length": String(SIZE) }],
  ["with its length said late", { "Upload-Defer-Length": "1" }],
])("an upload %s", (_what, length) => {
  test("survives a crash at every moment of its life", async () => {
    const bytes = new Uint8Array(SIZE);
    const noise = seededRandom(7);
    for (let at = 0; at < bytes.byteLength; at += 61) bytes[at] = Math.floor(noise() * 256);
    const machine = new Machine(new RecordingDisk());
    const told: Told[] = [];
    const tell = async (answer: Response): Promise<void> => {
      const offset = answer.headers.get("upload-offset");
      if (offset !== null) told.push({ moment: machine.disk.operations.length, offset: Number(offset) });
    };
    const metadata = { "Upload-Metadata": `filename ${base64("big.bin")}` };
    const created = await machine.ask("POST", "/files", { ...TUS, ...length, ...metadata });
    const path = created.headers.get("location") ?? "";
    await tell(created);
    const createdAt = machine.disk.operations.length;
    await tell(await machine.append(path, 0, bytes.slice(0, 1_000)));
    await tell(await machine.append(path, 1_000, slowly(machine.clock, bytes.slice(1_000, FIRST), 3, true)));
    await tell(await machine.append(path, FIRST, "other", { "Upload-Checksum": `sha1 ${base64("wrong")}` }));
    await tell(await machine.ask("HEAD", path, TUS));
    const rest = slowly(machine.clock, bytes.slice(FIRST), 2, false);
    await tell(await machine.append(path, FIRST, rest, { "Upload-Length": String(bytes.byteLength) }));
    expect(told.at(-1)?.offset).toBe(bytes.byteLength);
    expect(isSame(machine.disk.contentOf("/up/big.bin"), bytes)).toBe(true);

    const random = seededRandom(20_261_123);
    const byChance: Fate = ({ type }) => {
      const dice = random();
      if (dice < 0.3) return "kept";
      if (type !== "write" || dice < 0.7) return "dropped";
      return dice < 0.85 ? "torn" : "holed";
    };
    let wentOn = 0;
    for (let moment = 0; moment <= machine.disk.operations.length; moment += 1) {
      for (let variant = 0; variant < VARIANTS; variant += 1) {
        const again = new Machine(RecordingDisk.afterPowerCut(machine.disk.operations.slice(0, moment), byChance));
        const promised = Math.max(0, ...told.filter((each) => each.moment <= moment).map(({ offset }) => offset));
        const state = await again.ask("HEAD", path, TUS);
        const where = `moment ${moment} of ${machine.disk.operations.length}, variant ${variant}`;
        if (moment < createdAt && state.status === 404) continue;
        expect(state.status, where).toBe(200);
        const offset = Number(state.headers.get("upload-offset"));
        expect(offset, where).toBeGreaterThanOrEqual(promised);
        if (offset < bytes.byteLength || !state.headers.has("upload-length")) {
          const last = { "Upload-Length": String(bytes.byteLength) };
          expect((await again.append(path, offset, bytes.slice(offset), last)).status, where).toBe(204);
        }
        expect(isSame(again.disk.contentOf("/up/big.bin"), bytes), where).toBe(true);
        expect(await again.disk.list("/up"), where).toEqual(["big.bin"]);
        if (offset > 0 && offset < bytes.byteLength) wentOn += 1;
      }
    }
    expect(wentOn).toBeGreaterThan(20);
  });
});

function isSame(found: Uint8Array | undefined, bytes: Uint8Array): boolean {
  return found !== undefined && Buffer.compare(found, bytes) === 0;
}
