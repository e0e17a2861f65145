// What a served broker and those who use it from outside take on.

/** The largest payload that goes over a connection, in bytes: what a Trunkline item may have. */
export const sheetBytesMax: number = 4 * 1024 * 1024;

/** The largest message in bytes, attributes included: a payload less what names its way. */
export const messageBytesMax: number = sheetBytesMax - 65_536;

/** What gathers goes together up to so many bytes; something larger goes alone. */
export const gatheredBytesMax = 1_048_576;

/** Messages in one request to publish, or things said in one item. */
export const gatheredMax = 1_024;

/** Messages of one user that have no receipt yet; past it publishing is refused. */
export const underWayMax = 65_536;

/** Unsettled deliveries of one consumer: a larger prefetch is taken as this one. */
export const prefetchMax = 65_536;

/** Consumers and open reply boxes of all users of one served broker. */
export const lastingMax = 10_000;

/** A stream that broke is begun again after so long, in milliseconds, each time later. */
export const againWaits: { readonly baseMs: number; readonly capMs: number } = {
  baseMs: 50,
  capMs: 5_000,
};

/** A durable reply box that is read again begins so long before what it heard last, in milliseconds: instants are not an order. */
export const overlapMs = 1_000;

/** The last replies that are known again by their ids when that happens. */
export const knownRepliesMax = 10_000;
