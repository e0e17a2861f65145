// What a registry takes on. It is meant for a few machines: who has more than this uses etcd.

/** Instances of all services together. */
export const registeredMax = 10_000;

/** What they may come to, as JSON, in bytes. */
export const registeredBytesMax: number = 64 * 1024 * 1024;

/** Services that have instances. */
export const servicesMax = 10_000;

/** What the instances of one service may come to, as JSON, in bytes: a snapshot of them is one item on the wire. */
export const serviceBytesMax: number = 2 * 1024 * 1024;

/** Watches open at the same time. */
export const watchesMax = 10_000;

/** The longest name of a service, in characters. */
export const serviceTextMax = 256;

/** Two snapshots of one watch are this far apart, in milliseconds: what changes in between is told together. */
export const debounceMs = 100;

/** A watch hears the whole snapshot again after so long without a change, in milliseconds: a lost one harms nobody for longer. */
export const resyncMs = 60_000;

/** A client that heard nothing for this long asks anew, in milliseconds. */
export const watchIdleMs = 150_000;

/**
 * How long after its start a registry says that it may not know everybody yet, in milliseconds: leases of up to a minute have
 * been renewed by then.
 */
export const settleMsDefault = 20_000;

/** For each open watch this much more time is given to come back after a loss, in milliseconds: 2,000 a second are served easily. */
export const spreadPerWatchMs = 0.5;

/** The least and the most time to come back in, in milliseconds. */
export const spreadMsMin = 50;
export const spreadMsMax = 5_000;

/** After a change it is written to the disk within this time, in milliseconds. */
export const persistMs = 500;

/** The longest snapshot that is read from a disk, in bytes. */
export const savedBytesMax: number = 256 * 1024 * 1024;
