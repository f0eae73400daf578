/**
 * HTTP dates (RFC 9110 §5.6.7): written in the one preferred form, read in all three. No clock here: times are handed in as
 * milliseconds since the Unix epoch, the scale of `Date`.
 *
 * Reading is strict about form and range, and takes a day name for what it is: decoration, checked to be one, not compared.
 */

import { UsageError } from "../errors.js";

const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const DAY = "(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)";
const LONG_DAY = "(?:Monday|Tuesday|Wednesday|Thursday|Friday|Saturday|Sunday)";
const MONTH = `(${MONTHS.join("|")})`;
const TIME = "(\\d{2}):(\\d{2}):(\\d{2})";

/** `Sun, 06 Nov 1994 08:49:37 GMT` */
const IMF_FIXDATE = new RegExp(`^${DAY}, (\\d{2}) ${MONTH} (\\d{4}) ${TIME} GMT$`);
/** `Sunday, 06-Nov-94 08:49:37 GMT` */
const RFC850_DATE = new RegExp(`^${LONG_DAY}, (\\d{2})-${MONTH}-(\\d{2}) ${TIME} GMT$`);
/** `Sun Nov  6 08:49:37 1994` */
const ASCTIME_DATE = new RegExp(`^${DAY} ${MONTH} ([ \\d]\\d) ${TIME} (\\d{4})$`);

/** The last millisecond that an IMF-fixdate can name: 31 December 9999. */
const LAST_MS = Date.UTC(9999, 11, 31, 23, 59, 59, 999);
const FIRST_MS = new Date(0).setUTCFullYear(0, 0, 1);
const YEARS_AHEAD = 50;

/**
 * The IMF-fixdate of `timeMs`, its fraction of a second cut off (RFC 9110 §5.6.7). Throws `UsageError` `dates/out-of-range` outside
 * the years 0 to 9999.
 */
export function formatHttpDate(timeMs: number): string {
  if (!(timeMs >= FIRST_MS && timeMs <= LAST_MS)) {
    throw new UsageError("dates/out-of-range", `Cannot write date: ${timeMs} is not within the years 0 to 9999`);
  }
  // ECMA-262 §21.4.4.43 fixes this form, and it is IMF-fixdate to the letter.
  return new Date(timeMs).toUTCString();
}

/**
 * The time that `text` names, in milliseconds, or undefined if it is none of the three forms or no such day exists. `nowMs` settles
 * the century of two-digit years: at most 50 years ahead (RFC 9110 §5.6.7); without it, 70 to 99 lie in the 1900s
 * (RFC 6265 §5.1.1).
 */
export function parseHttpDate(text: string, nowMs?: number): number | undefined {
  const fixdate = IMF_FIXDATE.exec(text);
  if (fixdate !== null) {
    const [, day, month, year, ...time] = fixdate;
    return timeOf(Number(year), month, Number(day), time);
  }
  const rfc850 = RFC850_DATE.exec(text);
  if (rfc850 !== null) {
    const [, day, month, year, ...time] = rfc850;
    return timeOf(fullYear(Number(year), nowMs), month, Number(day), time);
  }
  const asctime = ASCTIME_DATE.exec(text);
  if (asctime !== null) {
    const [, month, day, hours = "", minutes = "", seconds = "", year] = asctime;
    return timeOf(Number(year), month, Number(day), [hours, minutes, seconds]);
  }
  return undefined;
}

function fullYear(twoDigits: number, nowMs: number | undefined): number {
  if (nowMs === undefined) return twoDigits < 70 ? 2000 + twoDigits : 1900 + twoDigits;
  const thisYear = new Date(nowMs).getUTCFullYear();
  const century = thisYear - (thisYear % 100);
  const latest = thisYear + YEARS_AHEAD;
  const year = century + twoDigits;
  if (year > latest) return year - 100;
  return year + 100 <= latest ? year + 100 : year;
}

function timeOf(year: number, monthName: string | undefined, day: number, time: readonly string[]): number | undefined {
  const month = MONTHS.indexOf(monthName ?? "");
  const [hours = 0, minutes = 0, seconds = 0] = time.map(Number);
  // 60 is a leap second (RFC 9110 §5.6.7); our scale has none, so it falls on the second after.
  if (hours > 23 || minutes > 59 || seconds > 60 || day < 1) return undefined;
  const midnight = new Date(0).setUTCFullYear(year, month, day);
  if (new Date(midnight).getUTCMonth() !== month) return undefined;
  return midnight + ((hours * 60 + minutes) * 60 + seconds) * 1_000;
}
