/** The real command: programs in folders of their own, changed while they run. */
import { rename } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { NODE_KNOWS_TYPES } from "../../src/dev/node-arguments.js";
import { runProgram } from "../../src/program.js";
import { FakeIo } from "../support/fake-io.js";
import { APPLICATION, ask, freePort, isAlive, project } from "../support/project.js";
import { start } from "../support/sluice-process.js";

/** Node's own type stripping wants the name that the file really has; tsx takes what TypeScript takes. */
const IMPORTED = NODE_KNOWS_TYPES ? "./text.ts" : "./text.js";

test("an exported application is served, and anew with each change; a broken one waits for the next", async () => {
  const { cwd, write } = await project({
    "app.ts": APPLICATION(IMPORTED),
    "text.ts": 'export const text: string = "one";',
    ".env": "FROM_FILE=yes\n",
  });
  const args = ["dev", "--port", "0", "--env", ".env", "app.ts", "--", "--verbose"];
  const { child, said, line, ended } = start(args, { cwd });
  const url = (await line("listening at ", "stderr")).replace(/^.* at /, "");
  const [text, first, ...rest] = await ask(url);
  expect([text, ...rest]).toEqual(["one", null, ["--verbose"], "yes"]);

  await write({ "unrelated.ts": "", "text.ts": 'export const text: string = "tw' });
  await said("waiting for a change", "stderr");
  expect(isAlive(first)).toBe(false);

  // As editors save: a new file takes the place of the old one.
  await write({ "text.ts~": 'export const text: string = "three";' });
  await rename(join(cwd, "text.ts~"), join(cwd, "text.ts"));
  await said("listening at ", "stderr", 2);
  const [changed, second] = await ask(url);
  expect(changed).toBe("three");

  child.kill("SIGINT");
  const { code, stdout, stderr } = await ended;
  expect({ code, stdout, alive: isAlive(second) }).toEqual({ code: 0, stdout: "", alive: false });
  expect(stderr.match(/text\.ts has changed, starting again/g)).toHaveLength(2);
  expect(stderr).toContain("app.ts has ended with exit code 1");
});

test("an exported fetch-style application is served as well; what is neither is only run", async () => {
  const { cwd } = await project({
    "fetch.js": 'export default { fetch: (request) => new Response("for " + new URL(request.url).pathname) };',
    "run.js": 'console.log("ran"); export default { listen: 1 };',
  });
  const served = start(["dev", "--port", "0", "fetch.js"], { cwd });
  const url = (await served.line("listening at ", "stderr")).replace(/^.* at /, "");
  expect(await (await fetch(`${url}/path`)).text()).toBe("for /path");
  served.child.kill("SIGTERM");
  expect(await served.ended).toMatchObject({ code: 0 });

  const ran = start(["dev", "--port", "0", "run.js"], { cwd });
  await ran.said("ran");
  await ran.said("waiting for a change", "stderr");
  ran.child.kill("SIGTERM");
  const { stderr } = await ran.ended;
  expect(stderr).not.toContain("listening at");
});

test("a program that listens by itself is left alone, and so is one that will", async () => {
  const port = await freePort();
  const { cwd } = await project({
    "app.js": `${APPLICATION("./text.js")}
app.onStart(() => new Promise((resolve) => setTimeout(resolve, 100)));
app.listen({ host: "127.0.0.1", port: ${port}, signals: true }).then(() => console.log("mine"));`,
    "text.js": 'export const text = "one";',
  });
  const { child, said, ended } = start(["dev", "--port", "0", "app.js"], { cwd });
  await said("mine");
  expect((await ask(`http://127.0.0.1:${port}`))[0]).toBe("one");
  child.kill("SIGTERM");
  expect(await ended).toMatchObject({ code: 0, stdout: "mine\n", stderr: "" });
});

test("what is imported later, required, or was missing counts as well", async () => {
  const { cwd, write } = await project({
    "package.json": "{}",
    "main.js":
      'console.log("run", require("./lib/config.js").name); setInterval(() => {}, 1000); import("./lib/late.mjs");',
  });
  await write({ "views/page.html": "" });
  const { child, said, ended } = start(["dev", "--watch", "views", "main.js"], { cwd });
  await said("waiting for a change", "stderr");
  await write({ "lib/config.js": 'exports.name = "first";', "lib/late.mjs": 'console.log("late");' });
  await said("late");
  await write({ "lib/config.js": 'exports.name = "second";' });
  await said("run second");
  await said("late", "stdout", 2);
  await write({ "lib/late.mjs": 'console.log("later");' });
  await said("later");
  await write({ "views/page.html": "<p>" });
  await said("later", "stdout", 2);
  child.kill("SIGTERM");
  expect((await ended).code).toBe(0);
});

test("a program ends with the command, even if that is killed", async () => {
  const { cwd } = await project({ "main.js": "setInterval(() => {}, 1000); console.log(process.pid);" });
  const { child, firstLine, ended } = start(["dev", "main.js"], { cwd });
  await firstLine();
  child.kill("SIGKILL");
  // It wrote to the same pipe, which is closed when the last of the two has let go of it.
  expect((await ended).signal).toBe("SIGKILL");
});

test("what is not there is told in one line, before anything is run", async () => {
  const { cwd } = await project({ "app.js": "" });
  const at = (name: string): string => join(cwd, name);
  const said = async (...args: readonly string[]): Promise<readonly unknown[]> => {
    const io = new FakeIo();
    return [await runProgram(["dev", ...args], io), io.err.text.replaceAll(cwd, ".")];
  };
  expect(await said(at("nothing.js"))).toEqual([2, "sluice: Cannot run ./nothing.js: there is no such file\n"]);
  expect(await said("--env", at(".env"), at("app.js"))).toEqual([
    2,
    "sluice: Cannot read ./.env: there is no such file\n",
  ]);
  expect(await said("--watch", at("views"), at("app.js"))).toEqual([
    2,
    "sluice: Cannot watch ./views: there is no such file\n",
  ]);
  expect(await said(cwd)).toEqual([2, "sluice: Cannot run .: it is no file\n"]);
});
