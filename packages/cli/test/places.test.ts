import { expect, test } from "vitest";
import { Places } from "../src/fetch/places.js";

const never = new AbortController().signal;
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test("so many run at once, and no more", async () => {
  const places = new Places(2, Number.POSITIVE_INFINITY);
  const first = await places.take("http://a/", never);
  await places.take("http://b/", never);
  let third = false;
  const waiting = places.take("http://c/", never).then((release) => {
    third = true;
    return release;
  });
  await turn();
  expect(third).toBe(false);
  first();
  await waiting;
  expect(third).toBe(true);
});

test("so many run at once for one host, and those for others do not wait for it", async () => {
  const places = new Places(10, 1);
  const first = await places.take("http://a/1", never);
  let second = false;
  const waiting = places.take("http://a/2", never).then(() => {
    second = true;
  });
  await places.take("http://b/1", never);
  await places.take("https://a/1", never);
  await turn();
  expect(second).toBe(false);
  first();
  await waiting;
});

test("whoever gives up waiting takes no place with it, of the host or of all", async () => {
  const places = new Places(1, 1);
  const release = await places.take("http://a/", never);
  const aborter = new AbortController();
  const sameHost = places.take("http://a/", aborter.signal);
  const otherHost = places.take("http://b/", aborter.signal);
  aborter.abort(new Error("enough"));
  await expect(sameHost).rejects.toThrow("enough");
  await expect(otherHost).rejects.toThrow("enough");
  release();
  (await places.take("http://b/", never))();
  (await places.take("http://a/", never))();
});

test("URLs that do not parse have a place as well: they are to fail, not to hang", async () => {
  const places = new Places(5, 1);
  (await places.take("nope", never))();
  (await places.take("nope either", never))();
});
