/** The URL of a request that is passed on: its path and query stay as the client spelt them, which `URL` would not leave alone. */

import { RequestUrl } from "../client/request-url.js";

/** A URL of `origin` with a request-target of somebody else's. */
export class ForwardUrl extends RequestUrl {
  override readonly target: string;
  override readonly href: string;

  /** `target` is in origin-form and valid (RFC 9112 §3.2.1). */
  constructor(origin: URL, target: string) {
    super(origin);
    this.target = target;
    this.href = this.origin + target;
  }
}
