import { writeFileSync } from "node:fs";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startHttpbin } from "../src/index.js";
import { ask } from "./ask.js";
import { CASES } from "./difference/cases.js";
import { differingAspects } from "./difference/compare.js";
import { findInterpreter, startPythonHttpbin } from "./difference/python-httpbin.js";
test("collect", async () => {
  const ours = await startHttpbin();
  const theirs = await startPythonHttpbin(findInterpreter()!);
  const all: Record<string,string[]> = {};
  for (const c of CASES) {
    const o = await ask(ours.url, c), t = await ask(theirs.url, c).catch((e)=>{console.log(c.name,e); throw e});
    for (const x of differingAspects(c,[ours.url,o],[theirs.url,t])) (all[x] ??= []).push(`${c.name}  [${o.status}/${t.status}]`);
  }
  writeFileSync("/tmp/diffs.json", JSON.stringify(all,null,1));
  await theirs.stop(); await ours.close();
}, 60000);
