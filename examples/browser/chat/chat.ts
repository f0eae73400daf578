/** The chat's page: the rooms that the server names, all joined, one of them shown. Whatever others wrote goes into the page as text. */
import { PushClient } from "/push/client.js";
import { element } from "../shared/element.js";
import { isKnown, whoAmI } from "./name-dialog.js";
import { showPeople } from "./people.js";
import { RoomView } from "./room-view.js";

const connection = element("#connection", HTMLElement);
const rooms = element("#rooms", HTMLElement);
const scroll = element("#scroll", HTMLElement);
const lists = element("#lists", HTMLElement);
const earlier = element("#earlier", HTMLButtonElement);
const jump = element("#jump", HTMLButtonElement);
const composer = element("#composer", HTMLFormElement);
const text = element("#text", HTMLTextAreaElement);
const said = element("#said", HTMLElement);

const NEAR_THE_END_PX = 80;

const views = new Map<string, RoomView>();
let shown: RoomView | undefined;

const me = await whoAmI();
element("#me", HTMLElement).textContent = me.name;

const push = new PushClient("/push", { eventsUrl: "/push/events" });
push.on("open", ({ rooms: names }) => {
  for (const name of names) if (!views.has(name)) addRoom(name);
  const wanted = [...views.values()].find(({ name }) => location.hash === hashOf(name));
  if (shown === undefined) show(wanted ?? [...views.values()][0]);
});
push.on("state", async ({ state, retryIn }) => {
  connection.dataset["state"] = state;
  const seconds = Math.ceil((retryIn ?? 0) / 1_000);
  const words = {
    connecting: "Connecting …",
    open: "Connected",
    waiting: `Connection lost, next try in ${seconds} s`,
    closed: "Disconnected",
  };
  connection.textContent = words[state];
  // A server that has lost its secret, or a browser that has lost its cookie: it would be refused for ever.
  if (state === "waiting" && !(await isKnown())) location.reload();
});

function addRoom(name: string): void {
  const room = push.join(name, { presence: true });
  const view: RoomView = new RoomView(room, me, {
    onChange: (news) => noticed(view, news),
    onPeople: () => view === shown && showPeople(room),
  });
  views.set(name, view);
  view.list.hidden = true;
  lists.append(view.list);
  view.button.addEventListener("click", () => {
    show(view);
    text.focus();
  });
  const item = document.createElement("li");
  item.append(view.button);
  rooms.append(item);
}

/** A room has changed. What is new is read out; if nobody has seen it, it is counted. */
function noticed(view: RoomView, news?: string): void {
  if (view === shown) {
    if (isNearEnd) toEnd();
    else if (news !== undefined) jump.hidden = false;
    if (news !== undefined) said.textContent = news;
    earlier.hidden = !view.hasEarlier;
  }
  if (news !== undefined && (view !== shown || document.hidden)) view.addUnread();
  countUnread();
}

function countUnread(): void {
  const unread = [...views.values()].reduce((sum, { unread: count }) => sum + count, 0);
  document.title = unread > 0 ? `(${unread}) Chat` : "Chat";
}

function show(view: RoomView | undefined): void {
  if (view === undefined) return;
  if (shown !== undefined) shown.draft = text.value;
  text.value = view.draft;
  shown = view;
  for (const one of views.values()) one.setShown(one === view);
  element("#room-name", HTMLElement).textContent = view.name;
  history.replaceState(null, "", hashOf(view.name));
  showPeople(view.room);
  toEnd();
  noticed(view);
}

function hashOf(name: string): string {
  return `#${encodeURIComponent(name)}`;
}

// Scrolled by keys, too.
scroll.tabIndex = 0;
let isNearEnd = true;
scroll.addEventListener("scroll", () => {
  isNearEnd = scroll.scrollHeight - scroll.scrollTop - scroll.clientHeight < NEAR_THE_END_PX;
  if (isNearEnd) jump.hidden = true;
});
jump.addEventListener("click", () => {
  toEnd();
  text.focus();
});

function toEnd(): void {
  scroll.scrollTop = scroll.scrollHeight;
  isNearEnd = true;
  jump.hidden = true;
}

document.addEventListener("visibilitychange", () => {
  if (document.hidden || shown === undefined) return;
  shown.setShown(true);
  countUnread();
});
// The window is another, or the message field has grown: who reads the newest goes on doing so.
new ResizeObserver(() => isNearEnd && toEnd()).observe(scroll);
addEventListener("beforeunload", (event) => {
  if ([...views.values()].some(({ isSending }) => isSending)) event.preventDefault();
});

earlier.addEventListener("click", async () => {
  const view = shown;
  if (view === undefined) return;
  const fromEnd = scroll.scrollHeight - scroll.scrollTop;
  earlier.disabled = true;
  await view.loadEarlier().finally(() => {
    earlier.disabled = false;
  });
  if (view !== shown) return;
  earlier.hidden = !view.hasEarlier;
  scroll.scrollTop = scroll.scrollHeight - fromEnd;
  // The keyboard stays where it was.
  (earlier.hidden ? scroll : earlier).focus({ preventScroll: true });
});

composer.addEventListener("submit", (event) => {
  event.preventDefault();
  const words = text.value.trim();
  if (words === "" || shown === undefined) return;
  shown.send(words);
  text.value = "";
  toEnd();
});
text.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  composer.requestSubmit();
});
