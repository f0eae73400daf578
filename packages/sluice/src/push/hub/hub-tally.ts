/** What a hub has counted since it was made. */

/** For metrics; see `hub.stats()`. */
export interface HubTally {
  /** Messages that were published here, by clients or by the application. */
  published: number;
  /** Messages given out, each counted for every member of its room here. */
  delivered: number;
  /** Joins, those that brought a position from which everything could be brought, and those for which something was missing. */
  joined: number;
  recovered: number;
  unrecovered: number;
  /** Times that a member was told of a gap, or everybody in a room was. */
  gaps: number;
  /** Messages that were dropped because their receiver was slow, and connections that were closed because of it. */
  dropped: number;
  slow: number;
  /** Frames of clients that were answered with an error. */
  refused: number;
}

/** Everything zero. */
export function newTally(): HubTally {
  return {
    published: 0,
    delivered: 0,
    joined: 0,
    recovered: 0,
    unrecovered: 0,
    gaps: 0,
    dropped: 0,
    slow: 0,
    refused: 0,
  };
}
