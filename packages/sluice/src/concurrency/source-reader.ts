/**
 * Reads any iterable, synchronous or not, one value at a time through callbacks: a synchronous source answers before `read`
 * returns, so that reading a million values from an array takes no million promises.
 */

/** Is told what a {@link SourceReader} has read. */
export interface SourceListener<T> {
  onValue(value: T): void;
  /** No more values: the source is exhausted, or broken by what `failure` holds. */
  onEnd(failure: { readonly error: unknown } | undefined): void;
}

/** One reading of a source, from its first value to its end or {@link close}. */
export class SourceReader<T> {
  readonly #source: Iterable<T> | AsyncIterable<T>;
  readonly #listener: SourceListener<T>;
  #iterator: Iterator<T> | AsyncIterator<T> | undefined;
  #reading = false;
  #ended = false;

  /** Nothing is asked of `source` before the first {@link read}. */
  constructor(source: Iterable<T> | AsyncIterable<T>, listener: SourceListener<T>) {
    this.#source = source;
    this.#listener = listener;
  }

  /** True while an asynchronous source owes an answer. */
  get reading(): boolean {
    return this.#reading;
  }

  /** True when there will be no more values. */
  get ended(): boolean {
    return this.#ended;
  }

  /** Asks for the next value; the listener is called once, perhaps before this returns. Not while `reading`, nor when `ended`. */
  read(): void {
    try {
      this.#iterator ??= iteratorOf(this.#source);
      const answer = this.#iterator.next();
      if (!isAsync(this.#source)) {
        this.#take(answer as IteratorResult<T>);
        return;
      }
      this.#reading = true;
      Promise.resolve(answer).then(
        (result) => this.#take(result),
        (error: unknown) => this.#end({ error }),
      );
    } catch (error) {
      this.#end({ error });
    }
  }

  /**
   * Tells the source that nobody reads on, and waits until it has cleaned up; rejects if it fails in that. Does not wait for a
   * source that is in the middle of a read, as that may never end; what it does then is nobody's concern any more.
   */
  async close(): Promise<void> {
    if (this.#ended) return;
    this.#ended = true;
    const closing = this.#iterator?.return?.();
    if (!this.#reading) await closing;
    else Promise.resolve(closing).catch(() => undefined);
  }

  #take(result: IteratorResult<T>): void {
    this.#reading = false;
    if (result.done) this.#end(undefined);
    else if (!this.#ended) this.#listener.onValue(result.value);
  }

  #end(failure: { readonly error: unknown } | undefined): void {
    this.#reading = false;
    if (this.#ended) return;
    this.#ended = true;
    this.#listener.onEnd(failure);
  }
}

function isAsync<T>(source: Iterable<T> | AsyncIterable<T>): source is AsyncIterable<T> {
  // A string is iterable too, and `in` takes no strings.
  return Symbol.asyncIterator in Object(source);
}

function iteratorOf<T>(source: Iterable<T> | AsyncIterable<T>): Iterator<T> | AsyncIterator<T> {
  return isAsync(source) ? source[Symbol.asyncIterator]() : source[Symbol.iterator]();
}
