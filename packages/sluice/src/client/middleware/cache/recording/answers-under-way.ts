/** Which answers are on their way, so that one that was overtaken by a change of its resource is not stored (RFC 9111 §4.4). */

/** An answer that has been asked for. */
export interface AnswerUnderWay {
  readonly key: string;
  /** False once its resource has been changed since. */
  valid: boolean;
}

/** The answers of one cache, by key. */
export class AnswersUnderWay {
  readonly #byKey = new Map<string, Set<AnswerUnderWay>>();

  /** How many there are. */
  get count(): number {
    let count = 0;
    for (const answers of this.#byKey.values()) count += answers.size;
    return count;
  }

  /** One has been asked for; ended by {@link end}. */
  begin(key: string): AnswerUnderWay {
    const answer = { key, valid: true };
    const others = this.#byKey.get(key);
    if (others === undefined) this.#byKey.set(key, new Set([answer]));
    else others.add(answer);
    return answer;
  }

  /** It is stored, or never will be. */
  end(answer: AnswerUnderWay): void {
    const others = this.#byKey.get(answer.key);
    others?.delete(answer);
    if (others?.size === 0) this.#byKey.delete(answer.key);
  }

  /** What is on its way for `key` holds no longer. */
  invalidate(key: string): void {
    for (const answer of this.#byKey.get(key) ?? []) answer.valid = false;
  }
}
