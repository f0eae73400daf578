/** An upload in one request, PUT or POST: for servers that know no protocol for going on. What fails begins anew, where it may. */

import type { RequestOptions } from "../../client/options.js";
import { ResponseError } from "../../client/response-error.js";
import type { ClientSession } from "../../client/session.js";
import type { Clock } from "../../concurrency/clock.js";
import { ConnectError } from "../../errors.js";
import { HttpHeaders } from "../../http/headers.js";
import { MeteredPieces, meteredBody } from "./metered-pieces.js";
import type { UploadResult } from "./upload-events.js";
import type { UploadMeter } from "./upload-meter.js";
import type { ResolvedUploadOptions } from "./upload-options.js";
import { UploadRetry, verdictOn } from "./upload-retry.js";
import type { UploadSource, WholeSource } from "./upload-source.js";

/** What a plain upload works with. */
export interface PlainTools {
  readonly session: ClientSession;
  readonly url: string;
  readonly source: UploadSource;
  readonly meter: UploadMeter;
  readonly clock: Clock;
}

/** From here on the server is asked whether it wants the body before it is sent. */
const ASK_FROM_BYTES = 1024 * 1024;
/** Answers of a server that has not begun to work on the request. */
const NOT_BEGUN: ReadonlySet<number> = new Set([408, 425, 429, 503]);

/** Resolves when the server has answered with success. Rejects with `ResponseError` for an error status. */
export async function plainUpload(tools: PlainTools, options: ResolvedUploadOptions): Promise<UploadResult> {
  const { source, meter, clock } = tools;
  const retry = new UploadRetry(options, clock);
  const whole = source.whole();
  meter.setTotal(whole.length);
  for (;;) {
    try {
      return await send(tools, whole, options);
    } catch (error) {
      if (options.signal?.aborted) throw options.signal.reason;
      if (whole.length === undefined || !mayRepeat(error, options.protocol)) throw error;
      meter.confirm(0);
      meter.enter("waiting");
      await retry.wait(error, (wait, attempt, failure) =>
        options.onEvent?.({ type: "retry", wait, attempt, error: failure }),
      );
    }
  }
}

async function send(tools: PlainTools, whole: WholeSource, options: ResolvedUploadOptions): Promise<UploadResult> {
  const { session, url, source, meter } = tools;
  const { stallTimeout: stall, signal, headers, type } = options;
  const open = (): AsyncIterable<Uint8Array> => {
    meter.confirm(0);
    return whole.open();
  };
  const metered = { ...whole, open };
  const metering = { meter, clock: tools.clock, limiter: options.limiter, signal };
  const asked: RequestOptions = {
    retry: false,
    raiseForStatus: false,
    body:
      whole.length === undefined ? new MeteredPieces(metered, metering) : meteredBody(whole.length, metered, metering),
    expectContinue: (whole.length ?? ASK_FROM_BYTES) >= ASK_FROM_BYTES,
    timeout: {
      read: stall,
      write: stall,
      headers: stall,
      total: Number.POSITIVE_INFINITY,
      attempt: Number.POSITIVE_INFINITY,
    },
    headers: typedHeaders(headers, type),
    ...(signal === undefined ? {} : { signal }),
  };
  meter.enter("uploading");
  const response = await session.request(options.protocol.toUpperCase(), url, asked);
  if (response.status >= 400) throw await response.toError();
  await response.body.discard(ASK_FROM_BYTES);
  const size = source.size ?? meter.position;
  meter.confirm(size);
  return { url: response.url, size, resumedBytes: 0, restarts: [], status: response.status };
}

function typedHeaders(given: ResolvedUploadOptions["headers"], type: string | undefined): HttpHeaders {
  const headers = new HttpHeaders(given);
  if (type !== undefined) headers.set("Content-Type", type);
  return headers;
}

/** PUT may be sent again whatever has become of it (RFC 9110 §9.2.2), POST only where the server has not begun. */
function mayRepeat(error: unknown, protocol: ResolvedUploadOptions["protocol"]): boolean {
  if (error instanceof ResponseError && NOT_BEGUN.has(error.status)) return true;
  return (protocol === "put" || error instanceof ConnectError) && verdictOn(error) === "again";
}
