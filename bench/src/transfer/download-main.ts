/** One download in a process of its own: URL, file and segments are its arguments; it prints what it took. */
import { performance } from "node:perf_hooks";
import { ClientSession } from "sluice";
import { download } from "sluice/transfer";

const KIB = 1024;
const [url = "", file = "", segments = "1"] = process.argv.slice(2);
const from = performance.now();
const session = new ClientSession();
await download(session, url, file, { segments: Number(segments), minSegmentSize: KIB * KIB });
await session.close();
const { userCPUTime, systemCPUTime, maxRSS } = process.resourceUsage();
const cpu = (userCPUTime + systemCPUTime) / 1_000;
console.log(JSON.stringify({ wall: performance.now() - from, cpu, peak: (maxRSS * KIB) / 1_000_000 }));
