import type { Env } from "../../base/env.ts";
import { systemError } from "../../base/error.ts";
import { addon, addonProblem } from "../../os/addon.ts";
import type { Broker, BrokerCapabilities, BrokerFactory, OpenOptions } from "../broker.ts";
import { mmapPlace, ringBytesDefault } from "./address.ts";
import { MmapBroker } from "./mmap-broker.ts";
import { payloadBytesMax } from "./records.ts";

const waitMsDefault = 10_000;

const capabilities: BrokerCapabilities = {
  order: "key",
  guarantees: ["at-most-once", "at-least-once"],
  receipts: ["accepted", "stored"],
  persistent: true,
  attempts: "durable",
  delay: false,
  priority: false,
  ttl: true,
  keeps: true,
  topics: false,
  sharing: false,
  groups: false,
  replay: false,
  filters: [],
  transactions: false,
  mandatory: true,
  replies: "none",
  browse: true,
  lag: true,
  compaction: false,
  bytesMax: payloadBytesMax(ringBytesDefault),
};

/**
 * Rings in files as a broker: `mmap:./shop` makes `./shop.orders.1.pay` of each channel, which all processes of a user that name it map into
 * their memory, without a process in the middle. Any number of them write, by turns; one reads, the others stand by, and go on where
 * it was when it ends or dies. A message is there once a store of one word says so, and stays until it is settled: it is delivered at least
 * once, in the order of the ring, whatever is killed when.
 *
 * `?bytes=…`: the size of a ring, a power of two, default 4 MiB. A message may have a quarter of it. Who publishes into a full
 * one waits for `waitMs`, and is told RESOURCE_EXHAUSTED; nothing is overwritten. Receipts mean "stored": what is in a ring outlives its
 * processes, and a loss of power where `?sync=disk` has each receipt wait for fdatasync(2).
 *
 * `open` rejects with UNIMPLEMENTED where there is no addon for the machine. `declare` and `consume` reject with INVALID_ARGUMENT for files
 * that are no rings, PERMISSION_DENIED for those of somebody else, and RESOURCE_EXHAUSTED where there is no room for one.
 */
export function mmap(): BrokerFactory {
  return {
    name: "mmap",
    schemes: ["mmap"],
    capabilities,
    open: async (text, terms, env) => open(text, terms, env),
  };
}

function open(text: string, { waitMs = waitMsDefault }: OpenOptions, env: Env): Broker {
  const place = mmapPlace(text);
  const os = addon();
  if (os === undefined) {
    throw systemError("UNIMPLEMENTED", `rings in files need the addon: ${addonProblem()}`, {
      executed: "no",
      endpoint: place.text,
      advice: "use file:./data, a broker in a folder, which needs none",
    });
  }
  const own = { ...capabilities, bytesMax: payloadBytesMax(place.ringBytes) };
  return new MmapBroker({ os, place, capabilities: own, waitMs, env });
}
