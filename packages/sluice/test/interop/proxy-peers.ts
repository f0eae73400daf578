/** Proxies that other people wrote, each started on a free loopback port with a configuration of its own; ended by `closeAll`. */
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { danted, freePort, microsocks, nginx, ssh, sshd, startedOn, tinyproxy } from "./peer-process.js";
import { atEnd } from "./places.js";

export const USER = "ada";
export const PASSWORD = "p@ss:w0rd";

function folder(name: string): string {
  const path = mkdtempSync(join(tmpdir(), `sluice-${name}-`));
  atEnd(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

const isRoot = process.getuid?.() === 0;

/** tinyproxy, with or without credentials; its port. */
export async function startedTinyproxy(authenticated: boolean): Promise<number> {
  const port = await freePort();
  const file = join(folder("tinyproxy"), "tinyproxy.conf");
  const lines = [
    `Port ${port}`,
    "Listen 127.0.0.1",
    "Timeout 60",
    "MaxClients 50",
    "Allow 127.0.0.1",
    "LogLevel Critical",
  ];
  // No ConnectPort: any port may be asked for.
  if (authenticated) lines.push(`BasicAuth ${USER} ${PASSWORD.replaceAll(/[@:]/g, "_")}`);
  writeFileSync(file, `${lines.join("\n")}\n`);
  await startedOn(port, tinyproxy, ["-d", "-c", file]);
  return port;
}

/** The password as {@link startedTinyproxy} has it, which knows few characters. */
export const TINYPROXY_PASSWORD = PASSWORD.replaceAll(/[@:]/g, "_");

/** nginx as a forward proxy for http, which is all it can be. */
export async function startedForwardingNginx(): Promise<number> {
  const place = folder("nginx");
  const port = await freePort();
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map((kind) => `${kind}_temp_path ${place}/t;`);
  const config = `
    daemon off; worker_processes 1; pid ${place}/pid; error_log stderr crit;
    ${isRoot ? "user root;" : ""}
    events { worker_connections 64; }
    http {
      access_log off; ${temporary.join(" ")} client_max_body_size 64m;
      server {
        listen 127.0.0.1:${port};
        location / {
          proxy_pass http://$http_host$request_uri;
          proxy_http_version 1.1; proxy_set_header Connection ""; proxy_set_header Host $http_host;
          proxy_set_header X-Seen-By nginx; proxy_buffering off; proxy_request_buffering off;
          proxy_buffer_size 16k; proxy_buffers 8 16k;
        }
      }
    }`;
  writeFileSync(join(place, "nginx.conf"), config);
  await startedOn(port, nginx, ["-e", "stderr", "-p", place, "-c", join(place, "nginx.conf")]);
  return port;
}

/** microsocks, SOCKS 5 only. */
export async function startedMicrosocks(authenticated: boolean): Promise<number> {
  const port = await freePort();
  const user = authenticated ? ["-u", USER, "-P", PASSWORD] : [];
  await startedOn(port, microsocks, ["-i", "127.0.0.1", "-p", String(port), ...user]);
  return port;
}

/** dante, SOCKS 4 and 5. */
export async function startedDante(): Promise<number> {
  const port = await freePort();
  const file = join(folder("dante"), "danted.conf");
  const config = `
    logoutput: stderr
    internal: 127.0.0.1 port = ${port}
    external: 127.0.0.1
    socksmethod: none
    clientmethod: none
    ${isRoot ? "user.privileged: root\n    user.unprivileged: nobody" : ""}
    client pass { from: 127.0.0.0/8 to: 0.0.0.0/0 }
    socks block { from: 0.0.0.0/0 to: 127.0.0.13/32 }
    socks pass { from: 127.0.0.0/8 to: 0.0.0.0/0 protocol: tcp }
    `;
  writeFileSync(file, config);
  await startedOn(port, danted, ["-f", file]);
  return port;
}

/** `ssh -D` through an sshd of our own, with keys made for it; the port of its SOCKS proxy. */
export async function startedSshTunnel(): Promise<number> {
  const place = folder("ssh");
  const [serverPort, port] = [await freePort(), await freePort()];
  for (const name of ["host", "client"]) {
    execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", join(place, name)]);
  }
  const authorized = join(place, "authorized");
  writeFileSync(authorized, execFileSync("ssh-keygen", ["-y", "-f", join(place, "client")]));
  // What sshd wants before it gives up its rights, and has where it was started as a service.
  if (isRoot) mkdirSync("/run/sshd", { recursive: true, mode: 0o755 });
  const config = [
    `Port ${serverPort}`,
    "ListenAddress 127.0.0.1",
    `HostKey ${join(place, "host")}`,
    `AuthorizedKeysFile ${authorized}`,
    `PidFile ${join(place, "pid")}`,
    "PermitRootLogin yes",
    "PasswordAuthentication no",
    "StrictModes no",
    "UsePAM no",
  ];
  writeFileSync(join(place, "sshd_config"), `${config.join("\n")}\n`);
  await startedOn(serverPort, sshd, ["-D", "-e", "-f", join(place, "sshd_config")]);
  const options = ["StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null", "IdentitiesOnly=yes", "LogLevel=ERROR"];
  await startedOn(port, ssh, [
    ...["-F", "none", "-N", "-D", `127.0.0.1:${port}`, "-p", String(serverPort), "-i", join(place, "client")],
    ...options.flatMap((option) => ["-o", option]),
    `${userInfo().username}@127.0.0.1`,
  ]);
  return port;
}
