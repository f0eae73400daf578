/** One upload in a process of its own: URL, file and protocol are its arguments; it prints what it took. */
import { performance } from "node:perf_hooks";
import { ClientSession } from "sluice";
import { type UploadOptions, upload } from "sluice/transfer";

const KIB = 1024;
const [url = "", file = "", protocol = "put"] = process.argv.slice(2);
const from = performance.now();
const options: UploadOptions = protocol === "tus" ? { stateFolder: false } : { protocol: "put" };
const session = new ClientSession();
await upload(session, url, file, options);
await session.close();
const { userCPUTime, systemCPUTime, maxRSS } = process.resourceUsage();
const cpu = (userCPUTime + systemCPUTime) / 1_000;
console.log(JSON.stringify({ wall: performance.now() - from, cpu, peak: (maxRSS * KIB) / 1_000_000 }));
