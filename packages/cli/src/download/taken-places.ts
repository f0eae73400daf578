/** What the URLs of one command become, so that no two of them become one file: the second would replace the first. */
import { UsageProblem } from "../usage-problem.js";

/** See the head of this file. URLs and files are those of one run. */
export class TakenPlaces {
  readonly #urls = new Map<string, number>();
  readonly #files = new Map<string, number>();

  /** The index that had the same URL before; undefined for the first. */
  earlier(index: number, url: string): number | undefined {
    const resource = resourceOf(url);
    const before = this.#urls.get(resource);
    if (before === undefined) this.#urls.set(resource, index);
    return before;
  }

  /** Throws `UsageProblem` where the file is that of another URL. */
  take(index: number, path: string): void {
    const holder = this.#files.get(path);
    if (holder === undefined) this.#files.set(path, index);
    else if (holder !== index) {
      const urls = `URL ${index + 1} and URL ${holder + 1} of this command both give that file`;
      throw new UsageProblem(`Cannot download to ${path}: ${urls}; download one of them with an --output of its own`);
    }
  }
}

/** A fragment is nothing that a server is told. */
function resourceOf(url: string): string {
  try {
    const resource = new URL(url);
    resource.hash = "";
    return resource.href;
  } catch {
    // No URL, which is told when it is tried.
    return url;
  }
}
