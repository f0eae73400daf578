/** Who is in a room, and the square with initials that stands for a person. */
import type { PushRoom } from "/push/client.js";
import { create, element } from "../shared/element.js";

const HUES = 8;

/** The name that a user shows, whatever the frame holds. */
export function nameOf(info: unknown): string {
  if (typeof info === "object" && info !== null && "name" in info && typeof info.name === "string") return info.name;
  return "Somebody";
}

export function avatarOf(id: string, name: string): HTMLElement {
  const initials = name
    .split(/\s+/)
    .slice(0, 2)
    .map((part) => [...part][0] ?? "")
    .join("");
  let hash = 0;
  for (const character of id) hash = (hash * 31 + character.charCodeAt(0)) % 1_000_003;
  const avatar = create("span", `avatar hue-${hash % HUES}`, initials.toUpperCase());
  avatar.ariaHidden = "true";
  return avatar;
}

/** What people write runs from left to right or from right to left, as its letters do, and turns nothing round it. */
export function inItsDirection(text: HTMLElement): HTMLElement {
  text.dir = "auto";
  return text;
}

export function showPeople({ present }: PushRoom): void {
  const list = element("#people", HTMLElement);
  const people = (present?.members ?? []).map(({ id, info }) => ({ id, name: nameOf(info) }));
  people.sort((a, b) => a.name.localeCompare(b.name));
  list.replaceChildren(
    ...people.map(({ id, name }) => {
      const item = document.createElement("li");
      item.append(avatarOf(id, name), inItsDirection(create("span", "", name)));
      return item;
    }),
  );
  const users = present?.users ?? 0;
  const hidden = users - people.length;
  if (hidden > 0) list.append(create("li", "", `and ${hidden} more`));
  const count = users === 1 ? "1 person here" : `${users} people here`;
  for (const place of document.querySelectorAll(".count")) place.textContent = count;
}
