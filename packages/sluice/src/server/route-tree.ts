/**
 * A radix tree over path patterns: finds the most specific one that matches, with the values of its parameters.
 *
 *     /users/:id        values ["7"]       Specific beats general, from left to right: static text, then a parameter with more
 *     /users/:id/posts  values ["7"]       static text around it, then a bare one, then the rest of the path. Where a more
 *     /:page            values ["about"]   specific branch leads nowhere, the search comes back and tries the next.
 *     /*rest            values ["a/b"]
 *
 * Every edge is tried at one position only (static text matches or not; a parameter ends at the next slash), so a search visits
 * each node at most once: its work is bounded by the routes registered, not by the request. Patterns without parameters never
 * get here from a request: a map has them (`router.ts`). Children are picked by their first character code, which is unique
 * among siblings.
 */

import type { RoutePattern } from "./route-pattern.js";

const SLASH = "/";

/** Where a search ended: what was stored there, and the parameters' values in the order of the pattern, still escaped. */
export interface TreeMatch<Value> {
  readonly value: Value;
  readonly values: readonly string[];
}

interface StaticEdge<Value> {
  readonly text: string;
  readonly node: Node<Value>;
}

interface ParamEdge<Value> {
  /** Static text between the parameter and the end of its segment; often empty. */
  readonly suffix: string;
  readonly node: Node<Value>;
}

interface Node<Value> {
  /** How many parameters lead here. */
  readonly depth: number;
  /** First character codes of `edges`, in the same order: scanning integers is quicker than a keyed look-up. */
  codes: number[];
  edges: StaticEdge<Value>[];
  /** Longest suffix first. */
  params: ParamEdge<Value>[];
  /** What matches the rest of the path from here. */
  rest: Value | undefined;
  /** What matches when the path ends here. */
  end: Value | undefined;
}

/** See the head of this file. `Value` is whatever a route is to its router; not undefined. */
export class RouteTree<Value extends object> {
  readonly #root: Node<Value> = makeNode(0);
  /** Offsets of the values found so far, by depth. Searches are synchronous and do not nest, so one pair serves all. */
  readonly #starts: number[] = [];
  readonly #ends: number[] = [];

  /** Stores under `pattern` what `choose` returns; it is told what has the same shape already (`/:a` and `/:b` are one). */
  insert(pattern: RoutePattern, choose: (earlier: Value | undefined) => Value): void {
    let node = this.#root;
    for (const part of pattern.parts) {
      if (part.kind === "rest") {
        node.rest = choose(node.rest);
        return;
      }
      node = part.kind === "static" ? descend(node, part.text) : paramChild(node, part.suffix);
    }
    node.end = choose(node.end);
  }

  /** The most specific match of a normalised path, or undefined. */
  find(path: string): TreeMatch<Value> | undefined {
    const value = this.#search(this.#root, path, 0);
    if (value === undefined) return undefined;
    const values: string[] = [];
    for (let index = 0; this.#ends[index] !== -1; index += 1)
      values.push(path.slice(this.#starts[index], this.#ends[index]));
    return { value, values };
  }

  #search(node: Node<Value>, path: string, at: number): Value | undefined {
    if (at === path.length && node.end !== undefined) return this.#accept(node.depth, node.end);
    if (at < path.length) {
      const child = node.codes.indexOf(path.charCodeAt(at));
      const edge = child === -1 ? undefined : node.edges[child];
      if (edge !== undefined && path.startsWith(edge.text, at)) {
        const found = this.#search(edge.node, path, at + edge.text.length);
        if (found !== undefined) return found;
      }
      const found = node.params.length === 0 ? undefined : this.#searchParams(node, path, at);
      if (found !== undefined) return found;
    }
    if (node.rest === undefined) return undefined;
    this.#starts[node.depth] = at;
    this.#ends[node.depth] = path.length;
    return this.#accept(node.depth + 1, node.rest);
  }

  #searchParams(node: Node<Value>, path: string, at: number): Value | undefined {
    const slash = path.indexOf(SLASH, at);
    const segmentEnd = slash === -1 ? path.length : slash;
    for (const { suffix, node: next } of node.params) {
      const end = segmentEnd - suffix.length;
      if (end <= at || !path.startsWith(suffix, end)) continue;
      const found = this.#search(next, path, segmentEnd);
      if (found === undefined) continue;
      this.#starts[node.depth] = at;
      this.#ends[node.depth] = end;
      return found;
    }
    return undefined;
  }

  /** Marks where the values of this match stop: an abandoned branch may have left deeper ones behind. */
  #accept(count: number, value: Value): Value {
    this.#ends[count] = -1;
    return value;
  }
}

function makeNode<Value>(depth: number): Node<Value> {
  return { depth, codes: [], edges: [], params: [], rest: undefined, end: undefined };
}

/** The node that static `text` leads to, splitting an edge where the text leaves it. */
function descend<Value>(from: Node<Value>, text: string): Node<Value> {
  let node = from;
  let left = text;
  while (left !== "") {
    const index = node.codes.indexOf(left.charCodeAt(0));
    const edge = node.edges[index];
    if (edge === undefined) {
      const next = makeNode<Value>(node.depth);
      node.codes.push(left.charCodeAt(0));
      node.edges.push({ text: left, node: next });
      return next;
    }
    const shared = sharedLength(edge.text, left);
    if (shared < edge.text.length) node.edges[index] = splitEdge(edge, shared);
    node = (node.edges[index] ?? edge).node;
    left = left.slice(shared);
  }
  return node;
}

function splitEdge<Value>(edge: StaticEdge<Value>, at: number): StaticEdge<Value> {
  const middle = makeNode<Value>(edge.node.depth);
  middle.codes = [edge.text.charCodeAt(at)];
  middle.edges = [{ text: edge.text.slice(at), node: edge.node }];
  return { text: edge.text.slice(0, at), node: middle };
}

function paramChild<Value>(node: Node<Value>, suffix: string): Node<Value> {
  const known = node.params.find((edge) => edge.suffix === suffix);
  if (known !== undefined) return known.node;
  const next = makeNode<Value>(node.depth + 1);
  node.params.push({ suffix, node: next });
  node.params.sort((a, b) => b.suffix.length - a.suffix.length);
  return next;
}

function sharedLength(a: string, b: string): number {
  const most = Math.min(a.length, b.length);
  let length = 0;
  while (length < most && a.charCodeAt(length) === b.charCodeAt(length)) length += 1;
  return length;
}
