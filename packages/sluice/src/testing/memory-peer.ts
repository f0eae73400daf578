/** What the two ends of a connection in memory say of each other. */

import type { PeerInfo, TlsInfo } from "../net/transport.js";

/** One end's place. */
export interface MemoryAddress {
  readonly host: string;
  readonly port: number;
}

const HTTPS_PORT = 443;
const HTTP_PORT = 80;

/** As the end at `local` sees the one at `remote`. */
export function memoryPeer(remote: MemoryAddress, local: MemoryAddress, tls: TlsInfo | undefined): PeerInfo {
  return {
    remoteAddress: remote.host,
    remotePort: remote.port,
    localAddress: local.host,
    localPort: local.port,
    tls,
  };
}

/** TLS as it would have been agreed; there are no certificates. */
export function memoryTls(servername: string): TlsInfo {
  return {
    protocol: "TLSv1.3",
    cipher: "TLS_AES_128_GCM_SHA256",
    alpn: "http/1.1",
    servername,
    authorized: true,
    resumed: false,
  };
}

/** The port that a URL names, or its scheme's. */
export function portOf(url: URL): number {
  if (url.port !== "") return Number(url.port);
  return url.protocol === "https:" ? HTTPS_PORT : HTTP_PORT;
}
