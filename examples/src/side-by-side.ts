/** Three slow requests side by side: together they take as long as the slowest. */
import { ClientSession, gather } from "sluice";
import { runExample, seconds, since } from "./support/run-example.js";

await runExample("Three slow requests, side by side", async ({ server, say, check }) => {
  await using session = new ClientSession({ baseUrl: `${server}/` });
  const start = performance.now();

  const tasks = [2, 3, 1].map((delay) => async (signal: AbortSignal) => {
    await session.get(`delay/${delay}`, { signal }).json();
    say(`/delay/${delay} answered after ${seconds(since(start))}`);
    return delay;
  });
  const answers = await gather(tasks);

  const elapsed = since(start);
  check(answers.join() === "2,3,1", `the results come in the order of the tasks: ${answers.join(", ")}`);
  check(elapsed >= 2_900 && elapsed < 4_500, `${seconds(elapsed)} in all, not the 6 s of one after the other`);
});
