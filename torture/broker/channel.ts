import { channel, type Channel } from "../../src/broker/channel.ts";

/** Where all go: keyed messages that must be on disk, in the order of their keys. */
export const orders: Channel = channel({
  name: "torture.orders",
  shape: "queue",
  ordered: true,
  shards: 8,
  enqueued: "stored",
});

/** Keys of one publisher. */
export const keysEach = 20;
