/** Feeds a reader whole and in pieces, and compares what it tells. */
import { PeerError } from "../../packages/sluice/dist/errors.js";

const LINE_BREAKS = ["\r", "\n", "\0"];

const MOST_PAUSES = 1_000;

/** Writes down events; neighbouring pieces of data count as one. */
class Recorder {
  events = [];
  dataBytes = 0;
  #data = "";

  onInformational(status, reason, fields) {
    this.#add(["interim", status, reason, ...fields]);
  }

  onHead(...head) {
    this.#add(["head", ...head.slice(0, -1), ...head.at(-1)]);
  }

  onData(piece) {
    if (piece.byteLength === 0) throw new Error("An empty piece of data");
    this.dataBytes += piece.byteLength;
    this.#data += Buffer.from(piece).toString("latin1");
  }

  onEnd(trailers) {
    this.#add(["end", ...trailers]);
  }

  onRest(bytes) {
    this.#add(["rest", Buffer.from(bytes).toString("base64")]);
  }

  #add(event) {
    for (const part of event)
      if (typeof part === "string" && LINE_BREAKS.some((character) => part.includes(character)))
        throw new Error(`A line break in ${event[0]}: ${JSON.stringify(part)}`);
    this.flush();
    this.events.push(event);
  }

  flush() {
    if (this.#data !== "") this.events.push(["data", this.#data]);
    this.#data = "";
  }
}

/** What came of feeding `input` to `makeReader(recorder)`, cut where `cuts` says. */
function feed(makeReader, input, cuts) {
  const recorder = new Recorder();
  const reader = makeReader(recorder);
  let error;
  try {
    let from = 0;
    for (const to of [...cuts, input.length]) {
      // A copy that is overwritten afterwards, as a socket's buffer would be.
      const lent = Buffer.from(input.subarray(from, to));
      reader.feed(lent);
      lent.fill(0x21);
      from = to;
    }
    // After a head that could hand the connection over, it goes on with HTTP where that is allowed.
    for (let turn = 0; turn < MOST_PAUSES && reader.paused; turn += 1) reader.resume();
    if (reader.paused) recorder.onRest(reader.takeRest());
    else reader.finish();
  } catch (thrown) {
    if (!(thrown instanceof PeerError)) throw thrown;
    if (typeof thrown.code !== "string" || !(thrown.statusHint >= 400 && thrown.statusHint < 600)) throw thrown;
    error = thrown.code;
    if (!throwsAgain(reader)) throw new Error("A reader that has failed went on");
  }
  recorder.flush();
  if (recorder.dataBytes > input.length) throw new Error(`${recorder.dataBytes} bytes of data from ${input.length}`);
  return { events: recorder.events, error };
}

function throwsAgain(reader) {
  try {
    reader.feed(Buffer.from("GET / HTTP/1.1\r\nHost: a\r\n\r\n"));
  } catch {
    return true;
  }
  return false;
}

/** Throws unless the reader says the same of `input` in one piece, in several, and octet by octet. */
export function compareCuts(makeReader, input, random) {
  const whole = JSON.stringify(feed(makeReader, input, []));
  const count = 1 + random.below(6);
  const some = Array.from({ length: count }, () => random.below(input.length + 1)).sort((one, other) => one - other);
  check(whole, JSON.stringify(feed(makeReader, input, some)), `cut at ${some.join(", ")}`);
  if (input.length > 2_000 && !random.chance(0.02)) return;
  const each = Array.from({ length: Math.max(0, input.length - 1) }, (_, index) => index + 1);
  check(whole, JSON.stringify(feed(makeReader, input, each)), "octet by octet");
}

function check(whole, cut, how) {
  if (whole !== cut)
    throw new Error(`It reads otherwise when ${how}:\n${whole.slice(0, 2_000)}\n${cut.slice(0, 2_000)}`);
}
