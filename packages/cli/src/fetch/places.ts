/**
 * Who may run: so many at once in all, and so many for each host. Waiting happens here, before a request is made, so that no time
 * limit of the request runs meanwhile. A host is forgotten when nobody has or wants a place of it.
 */
import { Semaphore } from "sluice";
import { parseUrl } from "../parse-url.js";

/** Gives a place back. */
export type Release = () => void;

interface HostPlaces {
  readonly places: Semaphore;
  users: number;
}

/** Places to run in. */
export class Places {
  readonly #all: Semaphore;
  readonly #perHost: number;
  readonly #hosts = new Map<string, HostPlaces>();

  /** Both 1 or more; `perHost` may be Infinity. */
  constructor(concurrency: number, perHost: number) {
    this.#all = new Semaphore(concurrency);
    this.#perHost = perHost;
  }

  /** Resolves when there is a place for `url`. Rejects with the signal's reason. */
  async take(url: string, signal: AbortSignal): Promise<Release> {
    const host = this.#perHost === Number.POSITIVE_INFINITY ? undefined : this.#hostOf(url);
    try {
      const hostPermit = await host?.places.acquire(signal);
      try {
        const permit = await this.#all.acquire(signal);
        return () => {
          permit.release();
          hostPermit?.release();
          this.#leave(url, host);
        };
      } catch (error) {
        hostPermit?.release();
        throw error;
      }
    } catch (error) {
      this.#leave(url, host);
      throw error;
    }
  }

  #hostOf(url: string): HostPlaces {
    const key = hostKey(url);
    const known = this.#hosts.get(key) ?? { places: new Semaphore(this.#perHost), users: 0 };
    known.users += 1;
    this.#hosts.set(key, known);
    return known;
  }

  #leave(url: string, host: HostPlaces | undefined): void {
    if (host === undefined) return;
    host.users -= 1;
    if (host.users === 0) this.#hosts.delete(hostKey(url));
  }
}

/** URLs that do not parse share a place: they fail at once anyway. */
function hostKey(url: string): string {
  return parseUrl(url)?.origin ?? "";
}
