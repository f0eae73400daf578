/** A large body in pieces of an exact size, in memory that does not depend on how large it is. */
import { ClientSession } from "sluice";
import { megabytes, runExample, seconds, since } from "./support/run-example.js";

const FILE_BYTES = 100_000_000;
const CHUNK_BYTES = 64 * 1024;
const MOST_GROWTH_BYTES = 80e6;

await runExample("100 MB in chunks of 64 KiB", async ({ server, check }) => {
  await using session = new ClientSession();
  await session.get(`${server}/bytes/1000000`).bytes();
  const before = peakMemory();
  const start = performance.now();

  let chunks = 0;
  let exact = 0;
  let last = 0;
  await using response = await session.get(`${server}/bytes/${FILE_BYTES}`);
  for await (const chunk of response.body.chunks(CHUNK_BYTES)) {
    chunks += 1;
    if (chunk.byteLength === CHUNK_BYTES) exact += 1;
    last = chunk.byteLength;
  }

  const elapsed = since(start);
  const growth = peakMemory() - before;
  const remainder = FILE_BYTES % CHUNK_BYTES;
  check(chunks - exact === 1 && last === remainder, `${exact} chunks of exactly 65536 bytes, a last one of ${last}`);
  check((chunks - 1) * CHUNK_BYTES + last === FILE_BYTES, `${FILE_BYTES} bytes in ${seconds(elapsed)}`);
  check(
    growth < MOST_GROWTH_BYTES,
    `peak memory of the process ${megabytes(peakMemory())}, ${megabytes(growth)} of it by the download`,
  );
});

/** The most physical memory that this process has had, in bytes. */
function peakMemory(): number {
  return process.resourceUsage().maxRSS * 1024;
}
