// What processes that share a folder wait for, and how long.

/** The longest that a broker is waited for when nobody says otherwise, in milliseconds. */
export const waitMsDefault = 10_000;

/** After its owner was lost, each process waits by chance up to so long, in milliseconds, before it tries to be the next one. */
export const scatterMs = 50;

/** Between two looks whether a folder has an owner that answers, in milliseconds. */
export const lookWaits: { readonly baseMs: number; readonly capMs: number } = {
  baseMs: 5,
  capMs: 200,
};

/** Between two tries to open a folder that this process owns and cannot use, in milliseconds: a disk that fails is not hammered. */
export const failedWaits: { readonly baseMs: number; readonly capMs: number } = {
  baseMs: 100,
  capMs: 5_000,
};

/** So often in a row a folder may be unavailable to the process that has its lock before that is told. */
export const passingMax = 3;

/** One owner is asked so long whether it is there, in milliseconds. */
export const welcomeMs = 2_000;

/**
 * When its owner leaves, the handlers that run have so long to end, in milliseconds, before what they were given comes to
 * somebody else.
 */
export const handOverMsDefault = 2_000;

/** Messages that wait for a receipt while there is no owner; past it publishing is refused. */
export const waitingMax = 65_536;

/** A consumer or a box that could not begin anew is begun again after so long, in milliseconds. */
export const againWaits: { readonly baseMs: number; readonly capMs: number } = {
  baseMs: 10,
  capMs: 1_000,
};
