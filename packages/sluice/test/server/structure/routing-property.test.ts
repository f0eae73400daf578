/**
 * Mounts and hosts against a naive model: every route written out with all its prefixes, one list for each host, and tried one after the
 * other, the most specific first; where none matches, the application below whose prefix, the most specific, the path is.
 */
import fc from "fast-check";
import { expect, test } from "vitest";
import { UsageError } from "../../../src/errors.js";
import { Application } from "../../../src/server/application.js";
import { ask } from "../fake-exchange.js";
import { compareRoutes, naiveMatch } from "../naive-router.js";

interface Plan {
  readonly routes: readonly string[];
  readonly mounts: readonly (readonly [prefix: string, plan: Plan])[];
}

/** What the model knows of one host: whole paths, and the middleware on the way to them. */
interface Model {
  readonly routes: Map<string, string>;
  readonly prefixes: Map<string, string>;
}

/** Builds `plan` for real and for the model; what the application refuses, the model does not have either. */
function build(plan: Plan, way: string, prefix: string, model: Model): Application {
  const name = way.split(" ").at(-1) ?? "";
  const app = new Application();
  app.use(async (_request, next) => {
    const made = await next();
    made.headers.set("x-way", [name, made.headers.get("x-way") ?? ""].join(" ").trim());
    return made;
  });
  for (const path of plan.routes) {
    if (
      accepted(() => app.get(path, (request) => `${request.route} ${JSON.stringify(Object.values(request.params))}`))
    ) {
      model.routes.set(prefix + path, way);
    }
  }
  for (const [index, [below, inner]] of plan.mounts.entries()) {
    const found: Model = { routes: new Map(), prefixes: new Map() };
    const innerWay = `${way} ${name}${index}`;
    const sub = build(inner, innerWay, prefix + below, found);
    if (!accepted(() => app.mount(below, sub))) continue;
    model.prefixes.set(prefix + below, innerWay);
    for (const [route, its] of found.routes) model.routes.set(route, its);
    for (const [route, its] of found.prefixes) model.prefixes.set(route, its);
  }
  return app;
}

function accepted(action: () => unknown): boolean {
  try {
    action();
    return true;
  } catch (error) {
    if (error instanceof UsageError) return false;
    throw error;
  }
}

function expected({ routes, prefixes }: Model, path: string, outermost: string): string {
  const match = naiveMatch([...routes.keys()].sort(compareRoutes), path);
  if (match !== undefined) return `${match[0]} ${JSON.stringify(match.slice(1))} by ${routes.get(match[0] ?? "")}`;
  const below = [...prefixes.keys()].flatMap((prefix) => [prefix, `${prefix}/*`]).sort(compareRoutes);
  const place = naiveMatch(below, path)?.[0]?.replace(/\/\*$/, "");
  return `404 by ${place === undefined ? outermost : prefixes.get(place)}`;
}

async function answered(app: Application, host: string, path: string): Promise<string> {
  const { status, text, headers } = await ask(app.dispatch, "GET", path, { fields: ["Host", host] });
  return `${status === 200 ? text : status} by ${headers["x-way"]}`;
}

/** Parameters of one path need different names. */
let count = 0;
function fresh(text: string): string {
  count += 1;
  return text.replace(/:p/, `:p${count}`);
}

const segment = fc.constantFrom("a", "b", "ab", ":p", "a:p", ":p.b").map(fresh);
const below = fc.array(segment, { minLength: 1, maxLength: 2 }).map((segments) => `/${segments.join("/")}`);
const path = fc.tuple(below, fc.boolean()).map(([given, rest]) => (rest ? `${given}/*rest` : given));
const routes = fc.array(path, { maxLength: 4 });
const leaf: fc.Arbitrary<Plan> = fc.record({ routes, mounts: fc.constant([]) });
const middle: fc.Arbitrary<Plan> = fc.record({ routes, mounts: fc.array(fc.tuple(below, leaf), { maxLength: 2 }) });
const plan: fc.Arbitrary<Plan> = fc.record({ routes, mounts: fc.array(fc.tuple(below, middle), { maxLength: 2 }) });
const asked = fc
  .array(fc.constantFrom("a", "b", "ab", "x", "x.b", "a.b"), { minLength: 1, maxLength: 5 })
  .map((segments) => `/${segments.join("/")}`);
const hosts = fc.uniqueArray(fc.constantFrom("a.test", "*.test", "b.a.test", "*.a.test"), { maxLength: 3 });
const askedHost = fc.constantFrom("a.test", "b.test", "A.TEST:80", "b.a.test", "c.a.test.", "d.b.test", "other");

test("a request finds what the model finds, at whatever host and however deep", async () => {
  const requests = fc.array(fc.tuple(askedHost, asked), { minLength: 1, maxLength: 12 });
  const property = fc.asyncProperty(
    plan,
    hosts,
    fc.tuple(plan, plan, plan),
    requests,
    async (main, patterns, more, all) => {
      const models = new Map<string, Model>([["", { routes: new Map(), prefixes: new Map() }]]);
      const app = build(main, "m", "", models.get("") as Model);
      for (const [index, pattern] of patterns.entries()) {
        const model: Model = { routes: new Map(), prefixes: new Map() };
        models.set(pattern, model);
        app.host(pattern, build(more[index] ?? main, `m ${pattern}`, "", model));
      }
      for (const [host, target] of all) {
        const name = host.toLowerCase().replace(/:\d+$|\.$/, "");
        const pattern = [name, name.replace(/^[^.]+/, "*"), ""].find((each) => models.has(each)) ?? "";
        const outermost = pattern === "" ? "m" : `m ${pattern}`;
        expect(await answered(app, host, target)).toBe(expected(models.get(pattern) as Model, target, outermost));
      }
    },
  );
  await fc.assert(property, { numRuns: 120 });
});
