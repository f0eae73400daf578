/**
 * A folder that is shared: everyone reads, who has the token writes. Uploads are streamed to disk and never held in memory, within limits on
 * each file and on all of them; downloads know ranges, so that they can be gone on with, and conditions, so that nothing is sent twice.
 *
 * What strangers upload is never shown as a page of this site: it is downloaded, and nothing in it runs.
 */
import { join } from "node:path";
import { Application, bearerAuth, HttpError, type Middleware, reply, securityHeaders } from "sluice/server";
import { sharePage } from "./share-page.js";
import type { SharedFolder } from "./shared-folder.js";

export interface FileShareOptions {
  readonly folder: SharedFolder;
  /** Needed to upload and to delete. */
  readonly token: string;
  /** Bytes of one file; beyond it 413. */
  readonly maxFileSize: number;
  /** Bytes of one upload, of however many files; beyond it 413. */
  readonly maxUploadSize: number;
}

const FILE = "/files/:name";

export function fileShareApp({ folder, token, maxFileSize, maxUploadSize }: FileShareOptions): Application {
  const app = new Application();
  const mayWrite: Middleware = bearerAuth({ tokens: [token], realm: "files" });
  app.use(securityHeaders());

  app.get("/", async () => reply.html(sharePage(await folder.list(), (name) => app.urlFor(FILE, { name }))));

  app.get("/files", async () => ({ files: await folder.list() }));

  app.get(FILE, ({ params }) => reply.file(params.name, { root: folder.path, download: true }));

  app.post("/files", [mayWrite], async (request) => {
    // On the same file system as the folder, so that a file that is complete is moved into it.
    const form = await request.formData({
      maxSize: maxUploadSize,
      maxFileBytes: maxFileSize,
      temporaryFolder: folder.path,
    });
    const names: string[] = [];
    for (const file of form.files) {
      if (file.size === 0 && file.sentFilename === "") continue; // an empty input of a form
      const name = await folder.claim(file.filename);
      await file.save(join(folder.path, name));
      names.push(name);
    }
    if (names.length === 0) throw new HttpError(422, "There is no file in this form");
    const files = names.map((name) => ({ name, url: app.urlFor(FILE, { name }) }));
    return reply.json({ files }, { status: 201 });
  });

  app.delete(FILE, [mayWrite], async ({ params }) => {
    if (!(await folder.remove(params.name))) throw new HttpError(404, "There is no such file");
    return null;
  });
  return app;
}
