/** What the client sent, told back to it. */

import type { Application, ServerRequest } from "sluice/server";
import { jsonReply } from "../json-reply.js";
import { ANY_METHOD } from "../methods.js";
import { originOf, reportHead, reportHeaders, reportWhole } from "../request-report.js";

/** `/get`, `/post`, `/put`, `/patch`, `/delete`, `/anything`, `/headers`, `/ip`, `/user-agent`. */
export function addInspectRoutes(app: Application): void {
  app.get("/get", (request) => jsonReply(reportHead(request)));
  for (const method of ["POST", "PUT", "PATCH", "DELETE"]) {
    app.route(method, `/${method.toLowerCase()}`, async (request) => jsonReply(await reportWhole(request)));
  }
  const echo = async (request: ServerRequest<unknown>) => {
    const { url, ...rest } = await reportWhole(request);
    return jsonReply({ ...rest, method: request.method, url });
  };
  app.route(ANY_METHOD, "/anything", echo);
  app.route(ANY_METHOD, "/anything/*rest", echo);

  app.get("/headers", (request) => jsonReply({ headers: reportHeaders(request) }));
  app.get("/ip", (request) => jsonReply({ origin: originOf(request) }));
  app.get("/user-agent", (request) => jsonReply({ "user-agent": request.headers.get("user-agent") }));
}
