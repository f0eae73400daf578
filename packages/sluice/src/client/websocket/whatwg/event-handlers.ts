/** Event handler attributes, `onmessage` and its like (HTML Standard, §8.1.8.1): one listener each, in the order in which they were set. */

/** What an attribute may be set to; anything that cannot be called is as good as null. */
export type Handler<E extends Event> = ((event: E) => unknown) | null;

interface Registered {
  readonly handler: (event: Event) => unknown;
  readonly listener: (event: Event) => void;
}

/** The attributes of one target, by type of event. */
export class EventHandlers {
  readonly #target: EventTarget;
  readonly #registered = new Map<string, Registered>();

  constructor(target: EventTarget) {
    this.#target = target;
  }

  get<E extends Event>(type: string): Handler<E> {
    return this.#registered.get(type)?.handler ?? null;
  }

  /** Another handler in place of one keeps its place among the listeners; null gives it up. */
  set<E extends Event>(type: string, handler: Handler<E>): void {
    const known = this.#registered.get(type);
    if (typeof handler !== "function") {
      if (known !== undefined) this.#target.removeEventListener(type, known.listener);
      this.#registered.delete(type);
      return;
    }
    const listener = known?.listener ?? ((event) => this.#call(type, event));
    this.#registered.set(type, { handler: handler as (event: Event) => unknown, listener });
    if (known === undefined) this.#target.addEventListener(type, listener);
  }

  #call(type: string, event: Event): void {
    const handled = this.#registered.get(type)?.handler.call(this.#target, event);
    if (handled === false) event.preventDefault();
  }
}
