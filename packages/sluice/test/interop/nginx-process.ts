/** nginx with a configuration of the test's own, on a free loopback port; ended by `closeAll`. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { GREETING, patternBytes, streamedText } from "./origin-application.js";
import { freePort, nginx, startedOn } from "./peer-process.js";
import { atEnd, FILES, type Scheme } from "./places.js";

/** Bytes of `/bytes`. */
export const NGINX_LARGE = 2 * 1024 * 1024;

/** Starts nginx with what goes into its `server` block, and beside it; its URL. It has `/bytes`, `/text.txt` and `/hello.txt`. */
export async function startedNginx(scheme: Scheme, serverBlock: string, httpBlock = ""): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), "sluice-nginx-"));
  const root = join(folder, "root");
  mkdirSync(root);
  writeFileSync(join(root, "bytes"), patternBytes(NGINX_LARGE));
  writeFileSync(join(root, "text.txt"), streamedText(2_000));
  writeFileSync(join(root, "hello.txt"), GREETING);
  const port = await freePort();
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map(
    (kind) => `${kind}_temp_path ${folder}/t;`,
  );
  const tls = `ssl_certificate ${FILES.certificate}; ssl_certificate_key ${FILES.key};`;
  const config = `
    daemon off;
    worker_processes 1;
    pid ${folder}/pid;
    error_log stderr crit;
    ${process.getuid?.() === 0 ? "user root;" : ""}
    events { worker_connections 64; }
    http {
      access_log off;
      default_type text/plain;
      charset utf-8;
      ${temporary.join("\n      ")}
      client_max_body_size 64m;
      ${httpBlock}
      server {
        listen 127.0.0.1:${port}${scheme === "https" ? " ssl" : ""};
        ${scheme === "https" ? tls : ""}
        root ${root};
        ${serverBlock}
      }
    }`;
  writeFileSync(join(folder, "nginx.conf"), config);
  atEnd(() => rmSync(folder, { recursive: true, force: true }));
  await startedOn(port, nginx, ["-e", "stderr", "-p", folder, "-c", join(folder, "nginx.conf")]);
  return `${scheme}://localhost:${port}`;
}
