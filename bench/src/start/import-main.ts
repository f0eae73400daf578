/** Imports one package in a fresh process and prints what it cost: `import-main.js <package>`. */
import { performance } from "node:perf_hooks";

const [specifier = ""] = process.argv.slice(2);
const [time, cpu] = [performance.now(), process.cpuUsage()];
await import(specifier);
const used = process.cpuUsage(cpu);
console.log(JSON.stringify({ wall: performance.now() - time, cpu: (used.user + used.system) / 1_000 }));
