/** The ways in which the bytes of an answer get to the sink that writes them. */

import { PayloadError } from "../../../errors.js";
import type { UsableAnswer } from "../probe.js";
import type { SegmentSink } from "./segment-sink.js";

/** Lets the body's bytes flow into the sink. */
export function readInto(sink: SegmentSink, { response, verdict }: UsableAnswer): void {
  if (verdict.kind === "whole" && verdict.coded) {
    void pump(sink, response.body);
    return;
  }
  response.body.readWith((flow) => {
    sink.connect(flow);
    flow.divert(sink);
  });
}

/** A body that is decoded comes piece by piece: given all at once, it would have to be whole first. Never rejects. */
async function pump(sink: SegmentSink, body: AsyncIterable<Uint8Array>): Promise<void> {
  let goOn: (() => void) | undefined;
  let cancelled = false;
  sink.connect({
    readOn: () => goOn?.(),
    cancel: () => {
      cancelled = true;
      goOn?.();
    },
  });
  try {
    for await (const piece of body) {
      sink.onPiece(piece);
      if (sink.full && !cancelled) {
        await new Promise<void>((resolve) => {
          goOn = resolve;
        });
      }
      if (cancelled) return;
    }
    sink.onEnd();
  } catch (error) {
    sink.onFail(error instanceof Error ? error : new PayloadError("download/short", String(error)));
  }
}
