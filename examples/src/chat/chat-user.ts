/** Somebody in the chat, as the page knows it, too. */
export interface ChatUser {
  readonly id: string;
  readonly name: string;
}
