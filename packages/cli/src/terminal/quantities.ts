/** Numbers as people read them. */

const SIZE_UNITS = ["kB", "MB", "GB", "TB"];
const SECOND_MS = 1_000;
const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;

/** `12,345`. */
export function showCount(count: number): string {
  return String(Math.round(count)).replace(/\B(?=(?:\d{3})+$)/g, ",");
}

/** `512 B`, `1.5 kB`, `23 MB`: decimal units, as network rates are given. */
export function showBytes(bytes: number): string {
  if (bytes < 1_000) return `${Math.round(bytes)} B`;
  let amount = bytes / 1_000;
  let unit = 0;
  // 999.95 would be shown as 1000.0.
  while (amount >= 999.5 && unit < SIZE_UNITS.length - 1) {
    amount /= 1_000;
    unit += 1;
  }
  return `${shortNumber(amount)} ${SIZE_UNITS[unit]}`;
}

/** `0.4 ms`, `12 ms`, `1.5 s`, `2 min 5 s`, `1 h 2 min`. */
export function showDuration(ms: number): string {
  if (ms < 999.5) return `${shortNumber(ms)} ms`;
  if (ms < MINUTE_MS - SECOND_MS / 2) return `${shortNumber(ms / SECOND_MS)} s`;
  const wholeSeconds = Math.round(ms / SECOND_MS);
  if (wholeSeconds < HOUR_MS / SECOND_MS) return `${Math.floor(wholeSeconds / 60)} min ${wholeSeconds % 60} s`;
  const wholeMinutes = Math.round(ms / MINUTE_MS);
  return `${Math.floor(wholeMinutes / 60)} h ${wholeMinutes % 60} min`;
}

/** `0:07`, `12:34`, `1:02:03`: a time that counts down. */
export function showClock(ms: number): string {
  const seconds = Math.ceil(ms / SECOND_MS);
  const minutes = Math.floor(seconds / 60);
  const tail = `:${String(seconds % 60).padStart(2, "0")}`;
  if (minutes < 60) return `${minutes}${tail}`;
  return `${Math.floor(minutes / 60)}:${String(minutes % 60).padStart(2, "0")}${tail}`;
}

/** One decimal below 10, none above. */
export function shortNumber(value: number): string {
  const shown = value < 9.95 ? value.toFixed(1).replace(/\.0$/, "") : value.toFixed(0);
  return shown;
}
