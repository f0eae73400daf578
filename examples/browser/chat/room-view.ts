/** One room on the page: its button, its list of messages, and what one has written there oneself and is not confirmed yet. */
import type { PushMessage, PushRoom } from "/push/client.js";
import type { ChatUser } from "../../src/chat/chat-user.js";
import { create } from "../shared/element.js";
import { avatarOf, inItsDirection, nameOf } from "./people.js";

/** Messages that stay in the page. Older ones go, and come back by "Show earlier messages". */
const MOST_SHOWN = 400;
const PAGE = 50;
/** Messages of one person within this time stand under one name. */
const TOGETHER_MS = 5 * 60_000;
const RETRY_MS = 2_000;

const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
const calendar = new Intl.DateTimeFormat(undefined, { weekday: "long", day: "numeric", month: "long" });

interface Callbacks {
  /** The list is another one. `news`: what somebody else has said since the page was opened. */
  readonly onChange: (news?: string) => void;
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
  /** What is being written here. */
  draft = "";
  /** The room has more than is shown. */
  hasEarlier = false;
  readonly #me: ChatUser;
  readonly #callbacks: Callbacks;
  readonly #badge = create("span", "unread");
  readonly #empty = create("li", "empty", "Nothing has been said here yet.");
  #messages: Shown[] = [];
  /** What comes while the list is being loaded. */
  #late: PushMessage[] | undefined;
  /** Own messages that the server has not confirmed, by id. */
  readonly #waiting = new Map<string, HTMLElement>();

  constructor(room: PushRoom, me: ChatUser, callbacks: Callbacks) {
    this.room = room;
    this.#me = me;
    this.#callbacks = callbacks;
    this.button.type = "button";
    this.button.append(create("span", "", room.name), this.#badge);
    this.#badge.hidden = true;
    room.on("message", (message) => {
      if (this.#late === undefined) this.#receive(message);
      else this.#late.push(message);
    });
    room.on("presence", () => callbacks.onPeople());
    room.on("joined", ({ recovered }) => recovered === undefined && void this.#load());
    // After a start of the server the room counts from 1 again, in another epoch, with what it has kept.
    room.on("gap", () => void this.#load());
  }

  get name(): string {
    return this.room.name;
  }

  /** Whether something that was written here has not reached the server. */
  get isSending(): boolean {
    return this.#waiting.size > 0;
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
    const { messages, more } = await this.room.history({ limit: PAGE, ...(first && { before: first.offset }) });
    const known = new Set(this.#messages.map(({ id }) => id));
    this.#messages = [...messages.flatMap(shownOf).filter(({ id }) => !known.has(id)), ...this.#messages];
    this.hasEarlier = more;
    this.#render();
  }

  /** Begins anew with the newest messages; what comes meanwhile comes after them. */
  async #load(): Promise<void> {
    const late: PushMessage[] = [];
    this.#late = late;
    const page = await this.room.history({ limit: PAGE }).catch(() => undefined);
    if (this.#late !== late) return;
    if (page === undefined) {
      setTimeout(() => this.#late === late && void this.#load(), RETRY_MS);
      return;
    }
    const { epoch, offset, messages, more } = page;
    this.#late = undefined;
    this.#messages = messages.flatMap(shownOf);
    this.hasEarlier = more;
    for (const { id } of messages) this.#waiting.delete(id);
    this.#render();
    this.#callbacks.onChange();
    for (const message of late) if (message.epoch === epoch && message.offset > offset) this.#receive(message);
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
    const [shown] = shownOf(message);
    if (shown === undefined) return;
    this.#waiting.get(shown.id)?.remove();
    this.#waiting.delete(shown.id);
    this.#messages.push(shown);
    if (this.#messages.length > MOST_SHOWN) {
      this.#messages = this.#messages.slice(-MOST_SHOWN + PAGE);
      this.hasEarlier = true;
      this.#render();
    } else this.#add(shown, this.#messages.at(-2));
    this.#callbacks.onChange(shown.author === this.#me.id ? undefined : `${shown.name}: ${shown.text}`);
  }

  #render(): void {
    this.list.replaceChildren();
    const isForgotten = !this.hasEarlier && (this.#messages[0]?.offset ?? 1) > 1;
    if (isForgotten) this.list.append(create("li", "day", "Earlier messages are not kept"));
    for (const [index, message] of this.#messages.entries()) this.#add(message, this.#messages[index - 1]);
    this.list.append(...this.#waiting.values());
    if (this.list.childElementCount === 0) this.list.append(this.#empty);
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
    who.append(inItsDirection(create("strong", "", name)), time);
    body.append(who, inItsDirection(create("p", "text", text)));
    item.append(avatarOf(author, name), body);
    return item;
  }
}

/** Nothing for what is no message of this chat: anybody can publish any JSON. */
function shownOf({ id, offset, ts, from, data }: PushMessage): Shown[] {
  if (typeof data !== "object" || data === null || !("text" in data) || typeof data.text !== "string") return [];
  return [{ id, offset, ts, text: data.text, author: from?.id ?? "", name: nameOf(from?.info) }];
}
