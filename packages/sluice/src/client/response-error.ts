import { type ErrorDetails, SluiceError } from "../errors.js";
import type { HttpHeaders } from "../http/headers.js";

/** What the error says, where that is not its status alone. */
export interface ResponseErrorDetails extends ErrorDetails {
  /** @default "response.status" */
  readonly code?: string;
  readonly message?: string;
}

/** An error status where content was asked for, or no 101 where a WebSocket was. The answer's head and the beginning of its body are here to look at. */
export class ResponseError extends SluiceError {
  static override readonly kind: string = "ResponseError";

  readonly status: number;
  readonly statusText: string;
  /** Secret fields are hidden from `inspect` and JSON, not from `get`. */
  readonly headers: HttpHeaders;
  /** The first bytes of the body, decoded, at most 16 KiB. Not part of message, `inspect` or JSON. */
  declare readonly body: Uint8Array;

  constructor(
    response: { status: number; statusText: string; headers: HttpHeaders },
    body: Uint8Array,
    { code, message, ...details }: ResponseErrorDetails,
  ) {
    const { status, statusText, headers } = response;
    const said = message ?? `Answered ${status}${statusText && ` ${statusText}`}`;
    super(code ?? "response.status", said, { ...details, phase: "response" });
    this.status = status;
    this.statusText = statusText;
    this.headers = headers;
    Object.defineProperty(this, "body", { value: body, enumerable: false });
  }

  override toJSON(): Record<string, unknown> {
    return { ...super.toJSON(), status: this.status, statusText: this.statusText };
  }
}
