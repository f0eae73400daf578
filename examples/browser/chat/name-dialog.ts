/** Who one is: the server remembers it by a cookie, and asks those it does not know. */
import type { ChatUser } from "../../src/chat/chat-user.js";
import { element } from "../shared/element.js";

const RETRY_MS = 2_000;

export async function whoAmI(): Promise<ChatUser> {
  for (;;) {
    const response = await askServer();
    if (response?.status === 200) return response.json();
    if (response?.status === 204) return askForName();
    await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
  }
}

/** Whether the server knows who this is; true as well if it cannot be asked. */
export async function isKnown(): Promise<boolean> {
  return (await askServer())?.status !== 204;
}

/** Undefined: it is not to be reached. */
function askServer(): Promise<Response | undefined> {
  return fetch("/me").catch(() => undefined);
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
      name.ariaInvalid = null;
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
        problem.textContent =
          response?.status === 422
            ? "A name has 1 to 30 characters that can be seen."
            : "The server cannot be reached.";
        name.ariaInvalid = String(response?.status === 422);
        name.focus();
      }
    });
  });
}
