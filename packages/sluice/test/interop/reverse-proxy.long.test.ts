/** Everything that our client does with a server, through one proxy of ours and through two in a row. */
import { afterAll, describe, expect, test } from "vitest";
import { converse } from "./client-conversation.js";
import { originApplication, unexpected } from "./origin-application.js";
import { closeAll, SCHEMES, serveOn } from "./places.js";
import { proxyOn } from "./proxy-place.js";

afterAll(closeAll);

describe.each(SCHEMES)("our proxy over %s", (scheme) => {
  test("in front of our server carries everything", async () => {
    const origin = await serveOn("http", originApplication());
    const place = await proxyOn(scheme, origin.url);
    for (let round = 0; round < 3; round += 1) await converse(place.url);
    expect(unexpected).toEqual([]);
  });

  test("in front of itself does, too", async () => {
    const origin = await serveOn("http", originApplication());
    const inner = await proxyOn("http", origin.url);
    const outer = await proxyOn(scheme, inner.url);
    await Promise.all([converse(outer.url), converse(outer.url)]);
    expect(unexpected).toEqual([]);
  });
});
