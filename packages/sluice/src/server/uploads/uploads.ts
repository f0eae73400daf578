/**
 * Resumable uploads as an application of its own, to be mounted where they shall be: `app.mount("/files", uploads({ directory }))`. What
 * it takes to serve them is loaded when it is needed.
 */

import { Application } from "../application.js";
import { cors } from "../middleware/cors.js";
import type { Middleware } from "../middleware-chain.js";
import { TUS_VERSION } from "./tus-fields.js";
import type { TusHandlers } from "./tus-handlers.js";
import type { UploadStore } from "./upload-store.js";
import { type ResolvedUploadsOptions, resolveUploadsOptions, type UploadsOptions } from "./uploads-options.js";

/** What is ready to serve. */
interface Serving {
  readonly handlers: TusHandlers;
  start(): Promise<void>;
  stop(): void;
}

/** Answer fields that scripts of other origins have to read. */
const EXPOSED = [
  ...["Location", "Tus-Version", "Tus-Resumable", "Tus-Max-Size", "Tus-Extension", "Tus-Checksum-Algorithm"],
  ...["Upload-Offset", "Upload-Length", "Upload-Defer-Length", "Upload-Metadata", "Upload-Expires"],
];
const METHODS = ["POST", "HEAD", "PATCH", "DELETE"];
const ANY_METHOD = [...METHODS, "OPTIONS"];

/**
 * Serves resumable uploads by the tus protocol 1.0.0, which tus-js-client, Uppy and others speak. The application to listen with should
 * have `receiveTimeout: Infinity`: uploads may take long, and `minReceiveRate` still ends those that stand still. Throws `UsageError`
 * `options/…`.
 */
export function uploads(options: UploadsOptions): Application {
  const resolved = resolveUploadsOptions(options);
  const app = new Application();
  let loading: Promise<Serving> | undefined;
  const serving = (): Promise<Serving> => {
    loading ??= load(resolved);
    return loading;
  };
  app.use(sayVersion);
  if (resolved.cors !== undefined) app.use(cors({ methods: METHODS, exposeHeaders: EXPOSED, ...resolved.cors }));
  app.route(ANY_METHOD, "/", async (request) => {
    const { handlers } = await serving();
    return handlers.collection(request, request.path.replace(/\/$/, ""));
  });
  app.route(ANY_METHOD, "/:id", async (request) => {
    const { handlers } = await serving();
    return handlers.upload(request, request.params.id);
  });
  app.onStart(async () => {
    const served = await serving();
    await served.start();
    return () => served.stop();
  });
  return app;
}

/** Every answer but those to OPTIONS names the protocol's version. */
const sayVersion: Middleware = (request, next) => {
  if (request.method !== "OPTIONS") request.beforeReply(({ headers }) => headers.set("Tus-Resumable", TUS_VERSION));
  return next();
};

async function load(options: ResolvedUploadsOptions): Promise<Serving> {
  const [{ UploadDesk }, { TusHandlers }, store] = await Promise.all([
    import("./upload-desk.js"),
    import("./tus-handlers.js"),
    storeOf(options),
  ]);
  const desk = new UploadDesk(store, options);
  return { handlers: new TusHandlers(desk, options.limits), start: () => desk.start(), stop: () => desk.stop() };
}

async function storeOf({ directory, store }: ResolvedUploadsOptions): Promise<UploadStore> {
  if (store !== undefined) return store;
  const { DirectoryStore } = await import("./directory-store.js");
  return new DirectoryStore(directory ?? "");
}
