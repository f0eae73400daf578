/** All endpoints on one application. */

import { Application, cors } from "sluice/server";
import { type HttpbinOptions, resolveHttpbinOptions } from "./options.js";
import { addAuthRoutes } from "./routes/auth.js";
import { addByteRoutes } from "./routes/bytes.js";
import { addCachingRoutes } from "./routes/caching.js";
import { addCodingRoutes } from "./routes/codings.js";
import { addCookieRoutes } from "./routes/cookies.js";
import { addDigestRoutes } from "./routes/digest-auth.js";
import { addDynamicRoutes } from "./routes/dynamic.js";
import { addEventRoutes } from "./routes/events.js";
import { addFaultRoutes } from "./routes/faults.js";
import { addImageRoutes } from "./routes/images.js";
import { addInspectRoutes } from "./routes/inspect.js";
import { addPageRoutes } from "./routes/pages.js";
import { addRedirectRoutes } from "./routes/redirects.js";
import { addStatusRoutes } from "./routes/status.js";
import { addTimedRoutes } from "./routes/timed.js";
import { makeService } from "./service.js";

/** Browsers may remember for so long what they are allowed. */
const PREFLIGHT_SECONDS = 3_600;

/** An application with all endpoints, which listens nowhere yet. Throws `UsageError` `options/…` for an option out of its range. */
export function createHttpbin(options: HttpbinOptions = {}): Application {
  const service = makeService(resolveHttpbinOptions(options));
  const app = new Application(service.application);
  // What is served is either public or the client's own request, so that pages of every origin may read it, cookies included.
  app.use(cors({ origin: () => true, credentials: true, maxAgeSeconds: PREFLIGHT_SECONDS }));
  addPageRoutes(app);
  addInspectRoutes(app);
  addStatusRoutes(app, service);
  addRedirectRoutes(app);
  addCookieRoutes(app);
  addAuthRoutes(app);
  addDigestRoutes(app, service);
  addCodingRoutes(app);
  addImageRoutes(app);
  addCachingRoutes(app);
  addByteRoutes(app, service);
  addTimedRoutes(app, service);
  addDynamicRoutes(app);
  addEventRoutes(app, service);
  addFaultRoutes(app, service);
  return app;
}
