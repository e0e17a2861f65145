// What brokerless messaging takes on. All of it is memory of the processes that take part.

/** The largest message in bytes, attributes included: an item of 4 MiB less what names its way. */
export const messageBytesMax: number = 4 * 1024 * 1024 - 65_536;

/** Messages in one parcel. */
export const parcelMessagesMax = 256;

/** What the messages of one parcel may have together, in bytes; a larger one goes alone. */
export const parcelBytesMax = 1_048_576;

/** Messages of this process that have no receipt yet; past it publishing is refused. */
export const underWayMax = 65_536;

/** Messages that wait at a consumer for their turn, beside those that it has: as many as it prefetches, within these. */
export const waitingMin = 64;
export const waitingMax = 4_096;

/** Parcels that wait at one consumer for room; each publisher has one. */
export const sendersMax = 1_024;

/** What is consumed by one process: as much as its registration holds. */
export const subscriptionsMax = 512;

/** Reply boxes that are open in one process. */
export const boxesMax = 10_000;

/** A consumer that could not be reached is left aside for so long, in milliseconds, while there are others. */
export const suspectMs = 1_000;

/** A message that nobody is there for waits so long for somebody to be found, in milliseconds: a restart of the only consumer. */
export const lookMs = 1_000;

/** How long one question may wait at the consumer before, until it has finished what it had, in milliseconds. It is then asked again. */
export const settledMs = 1_000;

/**
 * A consumer that has not answered for so long, in milliseconds, because nobody could connect to it, or though discovery knows it
 * no more, is gone: one whose connection was lost is back by then.
 */
export const goneMs = 1_000;

/** How long a consumer that leaves stays to see those that it handed on settled, in milliseconds: until then later ones are held. */
export const leaveMs = 5_000;

/** Between two such questions when the first was not answered, in milliseconds. */
export const askAgainMs = 100;

/** For this part of the time that a receipt may take there is room to be found; the rest is for the answer, so that it is known. */
export const sendPart = 0.8;

/** How long requests under way may still take when a process leaves, in milliseconds. */
export const drainMs = 2_000;
