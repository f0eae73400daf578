/** Where our server listens and how peers get there: TCP, TLS and a Unix socket, with the certificates of fixtures/tls. */
import { fileURLToPath } from "node:url";
import type { Application } from "../../src/server/application.js";
import type { Server } from "../../src/server/server.js";
import { SERVER } from "../net/certificates.js";
import { socketFolder } from "../net/connected-pair.js";

/** Paths of PEM files, for programs that take files. */
export const FILES = {
  authority: tlsFile("authority-cert"),
  certificate: tlsFile("server-cert"),
  key: tlsFile("server-key"),
} as const;

export type Scheme = "http" | "https";
export const SCHEMES: readonly Scheme[] = ["http", "https"];

/** A running server of ours; `url` is without a path and has the name that the certificate is for. */
export interface Place {
  readonly server: Server;
  readonly url: string;
  readonly port: number;
}

const closing: (() => unknown)[] = [];

/** Has `job` run by {@link closeAll}, in reverse order. */
export function atEnd(job: () => unknown): void {
  closing.push(job);
}

/** For `afterAll`: ends everything that was begun. */
export async function closeAll(): Promise<void> {
  for (const job of closing.splice(0).reverse()) await job();
}

/** The application on a loopback port; closed by {@link closeAll}. */
export async function serveOn(scheme: Scheme, application: Application): Promise<Place> {
  const tls = scheme === "https" ? SERVER : undefined;
  const server = await application.listen({ port: 0, host: "127.0.0.1", tls });
  atEnd(() => server.close({ grace: 0 }));
  const port = server.address.port ?? 0;
  return { server, port, url: `${scheme}://localhost:${port}` };
}

/** The application on a Unix socket, whose path is returned. */
export async function serveOnUnixSocket(application: Application): Promise<string> {
  const folder = socketFolder();
  const server = await application.listen({ path: folder.path });
  atEnd(async () => {
    await server.close({ grace: 0 });
    folder.remove();
  });
  return folder.path;
}

function tlsFile(name: string): string {
  return fileURLToPath(new URL(`../fixtures/tls/${name}.pem`, import.meta.url));
}
