/** The cases of `fixtures/cases.json`, and how their parts are meant. */
import { readFileSync } from "node:fs";

/** A frame of the peer. */
export interface SentFrame {
  readonly op: number;
  readonly text?: string;
  readonly hex?: string;
  /** A payload of `size` bytes that repeats this, which is text, or hexadecimal digits if the frame is no text. */
  readonly repeat?: string;
  readonly size?: number;
  /** A close frame's code and reason. */
  readonly close?: number;
  readonly reason?: string;
  readonly fin?: boolean;
  readonly rsv?: number;
  /** The frame arrives in packets of this many octets. */
  readonly chop?: number;
  /** Only as much of its payload as the parts have, each in a packet. */
  readonly parts?: readonly number[];
  /** The message is sent in fragments of this many octets. */
  readonly fragment?: number;
  /** Its size is a hundredth in the quick tier, but not below a fragment or a packet. */
  readonly scaled?: boolean;
}

/** What comes from the connection under test. */
export interface ExpectedFrame {
  readonly text?: string;
  readonly pong?: string;
  readonly pongHex?: string;
  /** The payload of the frame sent with this index, with its opcode or that of `as`. */
  readonly echo?: number;
  readonly as?: number;
}

/** One case of the groups 1 to 7, 9 and 10. */
export interface FramesCase {
  readonly id: string;
  readonly what: string;
  readonly send: readonly SentFrame[];
  /** In order, and nothing else, before the close frame; `null`: whatever comes. */
  readonly expect: readonly ExpectedFrame[] | null;
  /** The code of the close frame; `null` for one without. */
  readonly close: number | null;
  /** What is sent ends the connection by itself; otherwise the peer closes it with 1000 behind it, or is refused. */
  readonly ends?: boolean;
  readonly packets?: "one" | "each";
  /** The step, from 0, with which the connection has to fail, and not before. */
  readonly failsBy?: number;
  readonly rounds?: number;
  readonly informational?: string;
}

/** One case of the groups 12 and 13. */
export interface DeflateCase {
  readonly id: string;
  readonly what: string;
  readonly deflate: keyof typeof AGREEMENTS;
  readonly data: "json" | "bitmap" | "prose" | "html" | "pdf";
  readonly size: number;
  /** Octets of compressed payload in a frame; 0: all. */
  readonly fragment: number;
  readonly rounds: number;
}

const read = JSON.parse(readFileSync(new URL("./fixtures/cases.json", import.meta.url), "utf8")) as {
  readonly cases: readonly (FramesCase | DeflateCase)[];
};

export const FRAMES_CASES = read.cases.filter((one): one is FramesCase => "send" in one);
export const DEFLATE_CASES = read.cases.filter((one): one is DeflateCase => "deflate" in one);

const OFFER = "permessage-deflate; client_no_context_takeover; client_max_window_bits";
const OWN = "permessage-deflate; client_no_context_takeover";

/** What is offered and answered: `offer` to our server, and `answer` from it; `given` to our client with `wishes`. */
export const AGREEMENTS = {
  defaults: { offer: OFFER, answer: OWN, given: "permessage-deflate", wishes: {} },
  noTakeover: {
    offer: `${OFFER}; server_no_context_takeover`,
    answer: "permessage-deflate; server_no_context_takeover; client_no_context_takeover",
    given: OWN,
    wishes: { clientNoContextTakeover: true },
  },
  window9: {
    offer: `${OFFER}; server_max_window_bits=9`,
    answer: `${OWN}; server_max_window_bits=9`,
    given: "permessage-deflate; client_max_window_bits=9",
    wishes: {},
  },
  window15: {
    offer: `${OFFER}; server_max_window_bits=15`,
    answer: `${OWN}; server_max_window_bits=15`,
    given: "permessage-deflate; client_max_window_bits=15",
    wishes: {},
  },
  noTakeoverWindow9: {
    offer: `${OFFER}; server_no_context_takeover; server_max_window_bits=9`,
    answer: "permessage-deflate; server_no_context_takeover; client_no_context_takeover; server_max_window_bits=9",
    given: `${OWN}; client_max_window_bits=9`,
    wishes: { clientNoContextTakeover: true },
  },
  noTakeoverWindow15: {
    offer: `${OFFER}; server_no_context_takeover; server_max_window_bits=15`,
    answer: "permessage-deflate; server_no_context_takeover; client_no_context_takeover; server_max_window_bits=15",
    given: `${OWN}; client_max_window_bits=15`,
    wishes: { clientNoContextTakeover: true },
  },
  threeOffers: {
    offer: `${OFFER}; server_no_context_takeover; server_max_window_bits=9, ${OFFER}; server_no_context_takeover, ${OFFER}`,
    answer: "permessage-deflate; server_no_context_takeover; client_no_context_takeover; server_max_window_bits=9",
    given: `${OWN}; client_max_window_bits=9`,
    wishes: { clientNoContextTakeover: true },
  },
} as const;
