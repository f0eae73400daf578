import { formatHttpDate } from "../http/dates.js";

const SECOND_MS = 1_000;

/** The `Date` field line of the present (RFC 9110 §6.6.1), written once a second however many answers carry it. */
export class DateLine {
  readonly #wallTime: () => number;
  #second = Number.NaN;
  #line = "";

  /** `wallTime` tells milliseconds since the Unix epoch. */
  constructor(wallTime: () => number) {
    this.#wallTime = wallTime;
  }

  /** The whole line, with its line end. */
  get text(): string {
    const second = Math.floor(this.#wallTime() / SECOND_MS);
    if (second !== this.#second) {
      this.#second = second;
      this.#line = `Date: ${formatHttpDate(second * SECOND_MS)}\r\n`;
    }
    return this.#line;
  }
}
