/** Logging in once: a form, the cookie that comes of it, and a file that keeps it for the next run of the program. */
import { mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ClientSession, CookieJar, get } from "sluice";
import { Application, HttpError, reply } from "sluice/server";
import { runExample } from "./support/run-example.js";

const PASSWORD = "open sesame";

/** A site with a login form: whoever has the cookie of a login is let in. */
function site(): Application {
  const app = new Application();
  const logins = new Map<string, string>();
  app.post("/login", async (request) => {
    const form = await request.form();
    if (form.get("password") !== PASSWORD) throw new HttpError(403, "Wrong name or password");
    const id = crypto.randomUUID();
    logins.set(id, form.get("user") ?? "");
    return reply.redirect("/account", { status: 303 }).setCookie("login", id, { httpOnly: true, sameSite: "strict" });
  });
  app.get("/account", ({ cookies }) => {
    const user = logins.get(cookies.get("login") ?? "");
    if (user === undefined) throw new HttpError(401, "Please log in");
    return { user, theme: cookies.get("theme") ?? "light" };
  });
  return app;
}

await runExample("Logging in", async ({ check }) => {
  await using server = await site().listen({ port: 0, host: "127.0.0.1" });
  const folder = await mkdtemp(join(tmpdir(), "sluice-login-"));
  const path = join(folder, "cookies.json");
  const baseUrl = `${server.url}/`;
  try {
    // The first run: a form, a redirect, a cookie.
    await using first = new ClientSession({ baseUrl });
    const refused = await first.post("login", { form: { user: "ada", password: "guess" } });
    check(refused.status === 403 && first.cookies?.size === 0, `a wrong password: ${refused.status}, and no cookie`);
    const account = await first.post("login", { form: { user: "ada", password: PASSWORD } }).json<{ user: string }>();
    check(account.user === "ada", `logged in as ${account.user}, after a redirect to the account`);
    await first.cookies?.save(path);
    const mode = ((await stat(path)).mode & 0o777).toString(8);
    check(
      process.platform === "win32" || mode === "600",
      `the cookie is kept in a file that only its owner reads: ${mode}`,
    );

    // The next run: the file is all it needs.
    await using second = new ClientSession({ baseUrl, cookies: await CookieJar.load(path) });
    const again = await second.get("account", { cookies: { theme: "dark" } }).json<{ user: string; theme: string }>();
    check(
      again.user === "ada" && again.theme === "dark",
      `let in again by the file, with a theme for this request alone`,
    );
    check((await second.get("account").json<{ theme: string }>()).theme === "light", "which was not stored");
    check((await get(`${baseUrl}account`)).status === 401, "and nobody else is let in: 401");
  } finally {
    await rm(folder, { recursive: true });
  }
});
