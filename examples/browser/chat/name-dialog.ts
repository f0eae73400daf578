/** Who one is: the server remembers it by a cookie, and asks those it does not know. */
import type { ChatUser } from "../../src/chat/chat-user.js";
import { element } from "../shared/element.js";

export async function whoAmI(): Promise<ChatUser> {
  const response = await fetch("/me");
  return response.status === 200 ? response.json() : askForName();
}

function askForName(): Promise<ChatUser> {
  const dialog = element("#welcome", HTMLDialogElement);
  const form = element("#name-form", HTMLFormElement);
  const name = element("#name", HTMLInputElement);
  const problem = element("#name-problem", HTMLElement);
  // There is no way round it: Escape would leave a page without a user.
  dialog.addEventListener("cancel", (event) => event.preventDefault());
  dialog.showModal();
  return new Promise((resolve) => {
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      problem.textContent = "";
      const response = await fetch("/me", {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ name: name.value }),
      }).catch(() => undefined);
      if (response?.ok === true) {
        dialog.close();
        element("#text", HTMLTextAreaElement).focus();
        resolve(response.json());
      } else {
        problem.textContent = response?.status === 422 ? "This name cannot be used." : "The server cannot be reached.";
        name.focus();
      }
    });
  });
}
