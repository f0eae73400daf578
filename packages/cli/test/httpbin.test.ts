import { request } from "node:http";
import { expect, test } from "vitest";
import { run, start } from "./support/sluice-process.js";

async function startHttpbin(...args: readonly string[]) {
  const process = start(["httpbin", ...args]);
  const url = await process.firstLine();
  return { ...process, url };
}

/** A request on a connection of its own. */
function get(url: string): { readonly sent: Promise<void>; readonly status: Promise<number | undefined> } {
  const sending = request(url, { agent: false });
  const status = new Promise<number | undefined>((resolve, reject) => {
    sending.on("error", reject);
    sending.on("response", (response) => response.resume().on("end", () => resolve(response.statusCode)));
  });
  const sent = new Promise<void>((resolve) => sending.on("finish", resolve));
  sending.end();
  return { sent, status };
}

test("it says its URL, answers, logs on standard error, and ends with 0 when asked to", async () => {
  const { url, said, child, ended } = await startHttpbin();
  expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
  const { code, stdout } = await run(["get", `${url}/get?a=1`]);
  expect(code).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({ args: { a: "1" } });
  await said('"GET /get', "stderr");
  child.kill("SIGINT");
  expect(await ended).toMatchObject({ code: 0, signal: null, stdout: `${url}\n` });
});

test("asked to end, it first answers what it was asked, and takes nothing new", async () => {
  const { url, child, ended } = await startHttpbin();
  const slow = get(`${url}/delay/1`);
  await slow.sent;
  // Answered after the slow one was read: the server has begun with it.
  expect(await get(`${url}/get`).status).toBe(200);
  child.kill("SIGTERM");
  expect(await slow.status).toBe(200);
  expect((await ended).code).toBe(0);
  expect((await run(["get", `${url}/get`])).code).toBe(1);
});

test("with --quiet it says its URL and no more", async () => {
  const { url, child, ended } = await startHttpbin("--quiet");
  await run(["get", `${url}/get`]);
  child.kill("SIGINT");
  expect(await ended).toMatchObject({ code: 0, stderr: "" });
});

test("a port that is taken is told in one line", async () => {
  const { url } = await startHttpbin();
  const { code, stdout, stderr } = await run(["httpbin", "--port", new URL(url).port]);
  expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
  expect(stderr).toMatch(/^sluice: [^\n]*taken[^\n]*\n$/);
});
