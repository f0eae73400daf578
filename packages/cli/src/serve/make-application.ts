/** The folder as an application: what the options ask for, the outermost first. */
import { Application, basicAuth, compression, cors } from "sluice/server";
import type { ServeSettings } from "./settings.js";
import { UPLOAD_FIELDS, uploadPlace } from "./upload-place.js";

/** What the application is made of. */
export type FolderSettings = Pick<
  ServeSettings,
  "folder" | "uploads" | "listing" | "fallback" | "cors" | "compress" | "dotfiles" | "maxAgeSeconds" | "user"
>;

/** An application with the files of `settings.folder`, which listens nowhere yet. Throws `UsageError` for values that will not do. */
export function makeApplication(
  settings: FolderSettings,
  options: ConstructorParameters<typeof Application>[0] = {},
): Application {
  const { folder, uploads, listing, fallback, dotfiles, maxAgeSeconds, user } = settings;
  const app = new Application(options);
  // A page that asks whether it may ask has no password to show yet.
  if (settings.cors !== undefined) {
    const exposeHeaders = uploads === undefined ? [] : UPLOAD_FIELDS;
    app.use(cors({ origin: settings.cors === "*" ? "*" : [settings.cors], exposeHeaders }));
  }
  if (user !== undefined) app.use(basicAuth({ realm: "sluice", users: { [user.username]: user.password } }));
  if (settings.compress) app.use(compression());
  if (uploads !== undefined) app.mount("/uploads", uploadPlace(uploads));
  app.static("/", folder, {
    listing,
    precompressed: true,
    dotfiles: dotfiles ? "serve" : "hide",
    ...(fallback === undefined ? {} : { fallback }),
    ...(maxAgeSeconds === undefined ? {} : { maxAgeSeconds }),
  });
  return app;
}
