/** Programs that end in other ways than they should. */
import { spawn, spawnSync } from "node:child_process";
import { createServer } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import { APPLICATION, project } from "../support/project.js";
import { BIN, start } from "../support/sluice-process.js";

const hasScript = spawnSync("script", ["--version"]).error === undefined;

test("a program that will not end is ended when its grace is over, and one that hangs when a second signal comes", async () => {
  const { cwd, write } = await project({
    "stubborn.js": `process.on("SIGTERM", () => console.log("no"));
setInterval(() => {}, 1000);
console.log("pid", process.pid);`,
  });
  const { child, said, ended } = start(["dev", "--grace", "300ms", "stubborn.js"], { cwd });
  await said("pid");
  await write({ "stubborn.js": 'console.log("busy"); while (true);' });
  await said("no");
  await said("busy");
  child.kill("SIGTERM");
  child.kill("SIGINT");
  expect(await ended).toMatchObject({ code: 0, signal: null });
});

test("a taken port is told by the application's own process, and a starter's failure with where it happened", async () => {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => void server.close());
  const { port } = server.address() as { port: number };
  const { cwd, write } = await project({ "app.js": APPLICATION("./text.js"), "text.js": 'export const text = "one";' });
  const { said, child, ended } = start(["dev", "app.js"], { cwd, env: { PORT: String(port) } });
  await said("waiting for a change", "stderr");
  await write({ "text.js": 'export const text = "two"; process.exitCode = 3; process.exit();' });
  await said("exit code 3", "stderr");
  child.kill("SIGINT");
  const { code, stderr } = await ended;
  expect(code).toBe(0);
  expect(stderr).toMatch(/taken[^\n]*\nsluice: app\.js has ended with exit code 1/);
});

test.skipIf(!hasScript && process.env["CI"] !== "true")(
  "Ctrl-C on a terminal reaches the program once, and the command waits for it",
  async () => {
    const { cwd } = await project({
      "main.js": `let count = 0;
process.on("SIGINT", () => {
  count += 1;
  setTimeout(() => { console.log("interrupted " + count); process.exit(); }, 300);
});
setInterval(() => {}, 1000);
console.log("ready");`,
    });
    // `exec`: a shell that stays between (dash does, bash does not) would itself die of Ctrl-C, and its end is what `script` tells.
    const child = spawn("script", ["-qefc", `exec "${process.execPath}" "${BIN}" dev main.js`, "/dev/null"], { cwd });
    onTestFinished(() => void child.kill("SIGKILL"));
    const pieces: string[] = [];
    child.stdout.on("data", (piece: Buffer) => {
      pieces.push(piece.toString());
      if (piece.includes("ready")) child.stdin.write("\u0003");
    });
    const code = await new Promise((resolve) => child.on("close", resolve));
    expect({ code, said: pieces.join("").match(/interrupted \d/g) }).toEqual({ code: 0, said: ["interrupted 1"] });
  },
);
