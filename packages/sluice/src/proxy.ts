/** `sluice/proxy`: a reverse proxy for `sluice/server`, on a session of `sluice`. */

export type { TimeoutOptions } from "./client/options.js";
export type { ForwardedForm } from "./proxy/forwarding-fields.js";
export type { ProxyOptions } from "./proxy/proxy-options.js";
export { type ProxyTarget, proxy, type ReverseProxy } from "./proxy/reverse-proxy.js";
export type { TunnelOptions } from "./proxy/websocket/tunnel-options.js";
