/**
 * A doubly linked list whose members carry their own links, so that joining, leaving from anywhere and asking for either end
 * are O(1) and allocate nothing. The pool keeps waiters and connections in such lists: a cancelled waiter or a closed
 * connection is forgotten at once, and nothing is ever searched.
 */

/** What a member carries. Written by the list only; a member is in at most one list of its kind at a time. */
export interface PoolLinks<Member extends PoolLinks<Member>> {
  previous: Member | undefined;
  next: Member | undefined;
  /** The list this member is in. */
  list: PoolList<Member> | undefined;
}

/** Members in order, from {@link first} to {@link last}. */
export class PoolList<Member extends PoolLinks<Member>> {
  #first: Member | undefined = undefined;
  #last: Member | undefined = undefined;
  #size = 0;

  get first(): Member | undefined {
    return this.#first;
  }

  get last(): Member | undefined {
    return this.#last;
  }

  get size(): number {
    return this.#size;
  }

  /** Puts `member`, which is in no list, before all others. */
  addFirst(member: Member): void {
    const first = this.#first;
    member.next = first;
    if (first === undefined) this.#last = member;
    else first.previous = member;
    this.#first = member;
    this.#join(member);
  }

  /** Puts `member`, which is in no list, after all others. */
  addLast(member: Member): void {
    const last = this.#last;
    member.previous = last;
    if (last === undefined) this.#first = member;
    else last.next = member;
    this.#last = member;
    this.#join(member);
  }

  /** Takes `member` out, and says whether it was in this list at all. */
  remove(member: Member): boolean {
    if (member.list !== this) return false;
    const { previous, next } = member;
    if (previous === undefined) this.#first = next;
    else previous.next = next;
    if (next === undefined) this.#last = previous;
    else next.previous = previous;
    // A member that kept its links would keep its old neighbours from being collected.
    member.previous = undefined;
    member.next = undefined;
    member.list = undefined;
    this.#size -= 1;
    return true;
  }

  #join(member: Member): void {
    member.list = this;
    this.#size += 1;
  }
}
