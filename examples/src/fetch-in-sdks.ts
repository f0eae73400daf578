/**
 * Two SDKs that take a `fetch`, on the connections of one session each: openai streams a chat, octokit reads an issue. The services
 * are played by a server of our own, so no key is needed and nothing leaves the machine.
 */
import { Octokit } from "@octokit/core";
import OpenAI from "openai";
import { ClientSession } from "sluice";
import { Application, reply } from "sluice/server";
import { runExample } from "./support/run-example.js";

const WORDS = ["Pull", " the", " sluice", " slowly"];

await runExample("One session behind two SDKs", async ({ say, check }) => {
  const server = await playedServices().listen({ port: 0, host: "127.0.0.1" });
  const retries: string[] = [];
  const session = new ClientSession({
    retry: { attempts: 3, baseDelay: 10 },
    trace: { requestRetry: ({ url, reason }) => retries.push(`${new URL(url).pathname}: ${reason}`) },
  });
  try {
    const chat = await streamedChat(session, `${server.url}/v1`);
    say(
      `openai: ${chat.pieces.length} pieces, the first after ${Math.round(chat.firstAfter)} ms: ${chat.pieces.join("")}`,
    );
    check(chat.pieces.join("") === WORDS.join(""), "every piece of the stream arrived, in order");

    const issue = await readIssue(session, server.url);
    say(`octokit: #${issue.number} ${issue.title}, then status ${issue.missing} for one that is not there`);
    check(issue.title === "It leaks" && issue.missing === 404, "answers and errors are what the SDK makes of them");
    say(`retries of the session: ${retries.join("; ")}`);
    check(retries.length === 1, "what the service refused once, the session tried again, and the SDK never knew");
    const { open = 0, reused = 0 } = session.connector.stats()[server.url] ?? {};
    check(open === 1 && reused > 0, `both went over ${open} connection`);
  } finally {
    await session.close();
    await server.close({ grace: 0 });
  }
});

async function streamedChat(
  session: ClientSession,
  baseURL: string,
): Promise<{ pieces: string[]; firstAfter: number }> {
  const client = new OpenAI({ apiKey: "none", baseURL, fetch: session.fetch, maxRetries: 0 });
  const begin = performance.now();
  let firstAfter = 0;
  const stream = await client.chat.completions.create({
    model: "played",
    messages: [{ role: "user", content: "How?" }],
    stream: true,
  });
  const pieces: string[] = [];
  for await (const chunk of stream) {
    if (pieces.length === 0) firstAfter = performance.now() - begin;
    pieces.push(chunk.choices[0]?.delta.content ?? "");
  }
  return { pieces, firstAfter };
}

async function readIssue(
  session: ClientSession,
  baseUrl: string,
): Promise<{ number: number; title: string; missing: number }> {
  const octokit = new Octokit({ baseUrl, request: { fetch: session.fetch } });
  const where = { owner: "octo", repo: "sluice" };
  const { data } = await octokit.request("GET /repos/{owner}/{repo}/issues/{issue_number}", {
    ...where,
    issue_number: 7,
  });
  const missing = await octokit
    .request("GET /repos/{owner}/{repo}/issues/{issue_number}", { ...where, issue_number: 8 })
    .then(() => 200)
    .catch((error: { status: number }) => error.status);
  return { number: data.number, title: data.title, missing };
}

/** As much of both services as the SDKs ask for here. */
function playedServices(): Application {
  const app = new Application();
  app.post("/v1/chat/completions", async (request) => {
    const { model } = await request.json<{ model: string }>();
    return reply.stream(chunks(model), { headers: { "content-type": "text/event-stream" } });
  });
  let asked = 0;
  app.get("/repos/:owner/:repo/issues/:number", ({ params }) => {
    asked += 1;
    if (asked === 1) return reply.text("busy", { status: 503 });
    if (params.number !== "7") return reply.json({ message: "Not Found" }, { status: 404 });
    return { number: 7, title: "It leaks" };
  });
  return app;
}

async function* chunks(model: string): AsyncGenerator<string> {
  for (const content of WORDS) {
    const choices = [{ index: 0, delta: { content }, finish_reason: null }];
    yield `data: ${JSON.stringify({ id: "1", object: "chat.completion.chunk", created: 0, model, choices })}\n\n`;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  yield "data: [DONE]\n\n";
}
