/** One room on the page: its button, its list of messages, and what one has written there oneself and is not confirmed yet. */
import type { PushMessage, PushRoom } from "/push/client.js";
import type { ChatUser } from "../../src/chat/chat-user.js";
import { create } from "../shared/element.js";
import { avatarOf, nameOf } from "./people.js";

/** Messages that stay in the page. Older ones go, and come back by "Show earlier messages". */
const MOST_SHOWN = 400;
const PAGE = 50;
/** Messages of one person within this time stand under one name. */
const TOGETHER_MS = 5 * 60_000;
/** What is older was not said just now: it comes from the history, and is not read out. */
const JUST_NOW_MS = 10_000;

const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
const calendar = new Intl.DateTimeFormat(undefined, { weekday: "long", day: "numeric", month: "long" });

interface Callbacks {
  readonly onGrow: (isNew: boolean, summary: string) => void;
  readonly onPeople: () => void;
}

/** A message as it is shown. */
interface Shown {
  readonly id: string;
  readonly offset: number;
  readonly author: string;
  readonly name: string;
  readonly text: string;
  readonly ts: number;
}

export class RoomView {
  readonly room: PushRoom;
  readonly button = document.createElement("button");
  readonly list = document.createElement("ol");
  unread = 0;
  readonly #me: ChatUser;
  readonly #callbacks: Callbacks;
  readonly #badge = create("span", "unread");
  readonly #empty = create("li", "empty", "Nothing has been said here yet.");
  #messages: Shown[] = [];
  /** Own messages that the server has not confirmed, by id. */
  readonly #waiting = new Map<string, HTMLElement>();

  constructor(room: PushRoom, me: ChatUser, callbacks: Callbacks) {
    this.room = room;
    this.#me = me;
    this.#callbacks = callbacks;
    this.button.type = "button";
    this.button.append(create("span", "", room.name), this.#badge);
    this.#badge.hidden = true;
    this.list.append(this.#empty);
    room.on("message", (message) => this.#receive(message));
    room.on("presence", () => callbacks.onPeople());
    // The server keeps its history over restarts, so of another epoch everything comes again, and is known by its ids; only what it has
    // let go of is missing.
    room.on("gap", ({ reason }) => reason !== "epoch" && this.#note("Some messages are not kept any more."));
  }

  get name(): string {
    return this.room.name;
  }

  get hasEarlier(): boolean {
    return (this.#messages[0]?.offset ?? 1) > 1;
  }

  addUnread(): void {
    this.unread += 1;
    this.#badge.hidden = false;
    this.#badge.replaceChildren(String(this.unread), create("span", "visually-hidden", " unread"));
  }

  setShown(isShown: boolean): void {
    this.list.hidden = !isShown;
    this.button.ariaCurrent = String(isShown);
    if (!isShown) return;
    this.unread = 0;
    this.#badge.hidden = true;
  }

  /** Shown at once, and confirmed when it comes back with the others' messages. */
  send(text: string): void {
    const id = crypto.getRandomValues(new Uint32Array(4)).join("-");
    const note = create("span", "note", "sending …");
    const item = this.#itemOf({ id, offset: 0, author: this.#me.id, name: this.#me.name, text, ts: Date.now() });
    item.classList.add("waiting");
    item.lastElementChild?.append(note);
    this.#waiting.set(id, item);
    this.#empty.remove();
    this.list.append(item);
    void this.#publish(id, text, note);
  }

  async loadEarlier(): Promise<void> {
    const [first] = this.#messages;
    if (first === undefined) return;
    const { messages } = await this.room.history({ before: first.offset, limit: PAGE });
    const known = new Set(this.#messages.map(({ id }) => id));
    const older = messages.map(shownOf).filter((one) => one !== undefined && !known.has(one.id)) as Shown[];
    this.#messages = [...older, ...this.#messages];
    this.#render();
  }

  async #publish(id: string, text: string, note: HTMLElement): Promise<void> {
    try {
      await this.room.publish({ text }, { id });
    } catch (error) {
      const again = create("button", "", "try again");
      again.addEventListener("click", () => {
        note.className = "note";
        note.textContent = "sending …";
        void this.#publish(id, text, note);
      });
      note.className = "note failed";
      note.replaceChildren(`not sent (${error instanceof Error ? error.message : String(error)}), `, again);
    }
  }

  #receive(message: PushMessage): void {
    const shown = shownOf(message);
    if (shown === undefined) return;
    this.#waiting.get(shown.id)?.remove();
    this.#waiting.delete(shown.id);
    this.#messages.push(shown);
    if (this.#messages.length > MOST_SHOWN) {
      this.#messages = this.#messages.slice(-MOST_SHOWN + PAGE);
      this.#render();
    } else this.#add(shown, this.#messages.at(-2));
    const isNew = shown.author !== this.#me.id && Date.now() - shown.ts < JUST_NOW_MS;
    this.#callbacks.onGrow(isNew, `${shown.name}: ${shown.text}`);
  }

  #render(): void {
    this.list.replaceChildren();
    for (const [index, message] of this.#messages.entries()) this.#add(message, this.#messages[index - 1]);
    this.list.append(...this.#waiting.values());
  }

  #add(message: Shown, before: Shown | undefined): void {
    this.#empty.remove();
    const day = calendar.format(message.ts);
    const isNewDay = before === undefined || calendar.format(before.ts) !== day;
    const item = this.#itemOf(message);
    const isSame = !isNewDay && before.author === message.author && message.ts - before.ts < TOGETHER_MS;
    item.classList.toggle("same", isSame);
    // Behind what is confirmed, before what is not.
    const [next = null] = this.#waiting.values();
    if (isNewDay) this.list.insertBefore(create("li", "day", day), next);
    this.list.insertBefore(item, next);
  }

  #itemOf({ author, name, text, ts }: Shown): HTMLElement {
    const item = create("li", "message");
    const body = create("div", "body");
    const who = create("p", "who");
    const time = document.createElement("time");
    time.dateTime = new Date(ts).toISOString();
    time.textContent = clock.format(ts);
    who.append(create("strong", "", name), time);
    body.append(who, create("p", "text", text));
    item.append(avatarOf(author, name), body);
    return item;
  }

  #note(text: string): void {
    this.list.append(create("li", "day", text));
  }
}

/** Undefined for what is no message of this chat: anybody can publish any JSON. */
function shownOf({ id, offset, ts, from, data }: PushMessage): Shown | undefined {
  if (typeof data !== "object" || data === null || !("text" in data) || typeof data.text !== "string") return undefined;
  return { id, offset, ts, text: data.text, author: from?.id ?? "", name: nameOf(from?.info) };
}
