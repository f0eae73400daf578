/** A page of ours: its document, its style and its scripts, and a policy by which a browser loads them from nowhere else. */
import { fileURLToPath } from "node:url";
import type { Hub } from "sluice/push";
import { type Application, reply, securityHeaders } from "sluice/server";

/** What is written by hand, and what is compiled from it. */
const SOURCES = fileURLToPath(new URL("../../browser/", import.meta.url));
const SCRIPTS = fileURLToPath(new URL("../../dist/browser/", import.meta.url));

const POLICY = {
  "default-src": ["'none'"],
  "script-src": ["'self'"],
  "style-src": ["'self'"],
  "img-src": ["'self'"],
  "connect-src": ["'self'"],
  "base-uri": ["'none'"],
  "form-action": ["'self'"],
  "frame-ancestors": ["'none'"],
};

export function servePage(app: Application, name: string, hub: Hub): void {
  app.use(securityHeaders({ contentSecurityPolicy: { directives: POLICY, useDefaults: false } }));
  app.get("/", () => reply.file(`${name}/index.html`, { root: SOURCES }));
  app.get(`/${name}.css`, () => reply.file(`${name}/${name}.css`, { root: SOURCES }));
  app.get("/base.css", () => reply.file("shared/base.css", { root: SOURCES }));
  app.get("/icon.svg", () => reply.file("shared/icon.svg", { root: SOURCES }));
  app.get("/push/client.js", hub.clientScript());
  app.static("/scripts", SCRIPTS);
}
