/** The chat's page: the rooms that the server names, all joined, one of them shown. Whatever others wrote goes into the page as text. */
import { PushClient } from "/push/client.js";
import { element } from "../shared/element.js";
import { whoAmI } from "./name-dialog.js";
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
  const wanted = decodeURIComponent(location.hash.slice(1));
  if (shown === undefined) show(views.get(wanted) ?? [...views.values()][0]);
});
push.on("state", ({ state, retryIn }) => {
  connection.dataset["state"] = state;
  const seconds = Math.ceil((retryIn ?? 0) / 1_000);
  const words = {
    connecting: "Connecting …",
    open: "Connected",
    waiting: `Connection lost, next try in ${seconds} s`,
    closed: "Disconnected",
  };
  connection.textContent = words[state];
});

function addRoom(name: string): void {
  const room = push.join(name, { history: 50, presence: true });
  const view: RoomView = new RoomView(room, me, {
    onGrow: (isNew, summary) => noticed(view, isNew, summary),
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

/** Something came into a room. It is read out if it is new; if nobody has seen it, it is counted. */
function noticed(view: RoomView, isNew: boolean, summary: string): void {
  if (view !== shown || document.hidden) {
    if (isNew) view.addUnread();
  } else if (isNearEnd || !isNew) toEnd();
  else jump.hidden = false;
  if (isNew && view === shown) said.textContent = summary;
  earlier.hidden = shown?.hasEarlier !== true;
  const unread = [...views.values()].reduce((sum, { unread: count }) => sum + count, 0);
  document.title = unread > 0 ? `(${unread}) Chat` : "Chat";
}

function show(view: RoomView | undefined): void {
  if (view === undefined) return;
  shown = view;
  for (const one of views.values()) one.setShown(one === view);
  element("#room-name", HTMLElement).textContent = view.name;
  history.replaceState(null, "", `#${encodeURIComponent(view.name)}`);
  showPeople(view.room);
  noticed(view, false, "");
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

document.addEventListener("visibilitychange", () => !document.hidden && shown && show(shown));
addEventListener("resize", () => isNearEnd && toEnd());

earlier.addEventListener("click", async () => {
  const fromEnd = scroll.scrollHeight - scroll.scrollTop;
  await shown?.loadEarlier();
  earlier.hidden = shown?.hasEarlier !== true;
  scroll.scrollTop = scroll.scrollHeight - fromEnd;
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
