/** Chromium's own WebSocket and our server; whose pages it may be opened from. */
import { chromium } from "playwright-core";
import { afterAll, describe, expect, test } from "vitest";
import { chromiumPath, isAbsent } from "./peer-process.js";
import { atEnd, closeAll, serveOn } from "./places.js";
import { type Spoken, speak, websocketApplication, wellSpoken } from "./websocket-application.js";

afterAll(closeAll);

describe.skipIf(isAbsent(chromiumPath))("Chromium", () => {
  test.each([true, false])(
    "speaks with our server; compressed: %s",
    async (compressed) => {
      const { app, errors } = websocketApplication();
      const { port } = await serveOn("http", app);
      const browser = await chromium.launch({ executablePath: chromiumPath ?? "", args: ["--no-sandbox"] });
      atEnd(() => browser.close());
      const page = await browser.newPage();
      await page.goto(`http://127.0.0.1:${port}/`);
      const path = compressed ? "/echo" : "/plain";
      const program = `(${speak.toString()})(WebSocket, "ws://127.0.0.1:${port}", "${path}")`;
      const spoken = (await page.evaluate(program)) as Spoken;
      expect({ ...spoken, extensions: spoken.extensions.split(";")[0] }).toEqual(wellSpoken(compressed));
      // What a handler threw is the one thing that is reported.
      expect(errors.map(String)).toEqual(["Error: the handler broke"]);
      // A page of another origin must not.
      await page.goto(`http://localhost:${port}/`);
      const foreign = `new Promise((resolve) => {
      const socket = new WebSocket("ws://127.0.0.1:${port}/echo");
      socket.onopen = () => resolve("open");
      socket.onclose = ({ code }) => resolve(code);
    })`;
      expect(await page.evaluate(foreign)).toBe(1006);
      await browser.close();
    },
    240_000,
  );
});
