import type { BrokerCapabilities, BrokerFactory } from "../broker.ts";
import { sharedFileAddress } from "./address.ts";
import { Claimant } from "./claimant.ts";
import { openFolder } from "./place.ts";
import { SharedFileBroker } from "./shared-file-broker.ts";

const waitMsDefault = 10_000;

/** So that a line, in which text may be twice as long as it is, stays below what is read as one. */
const bytesMax = 3 * 1_024 * 1_024;

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
  groups: true,
  replay: true,
  filters: [],
  transactions: false,
  mandatory: true,
  replies: "durable",
  browse: true,
  lag: true,
  compaction: false,
  bytesMax,
};

/**
 * A folder of files as a broker: `sharedfile:./talk` appends each message as a line of JSON (CloudEvents 1.0, with a checksum) to a file that many processes
 * write and many read, with nothing between them: no process, no addon, no lock of the system's. Locks are hard links, so it works on any file
 * system, those of networks too, where the dead of other hosts are noticed after 15 seconds.
 *
 * `stored` outlives all processes; with `?sync=disk` the machine's power too. `?segmentBytes=` (16 MiB) is when the next file is begun, `?logBytes=` (1 GiB)
 * the most that one log has on the disk, past which publishing is RESOURCE_EXHAUSTED, `?keep=24h` how long is kept what all groups have consumed (default: not at all).
 *
 * `open` rejects with INVALID_ARGUMENT for an address that cannot be meant, or a folder of another version; with PERMISSION_DENIED for one that this user
 * may not use, or that everybody may write to. `declare` refuses priorities, compaction, a length in messages and exactly-once.
 */
export function sharedFile(): BrokerFactory {
  return {
    name: "sharedfile",
    schemes: ["sharedfile"],
    capabilities,
    open: async (text, { name, waitMs = waitMsDefault }, env) => {
      const address = sharedFileAddress(text);
      const folder = await openFolder(address.folder, env);
      const claimant = await Claimant.enter(folder.writers, name, env);
      await claimant.others(folder.writers);
      return new SharedFileBroker({ address, folder, claimant, capabilities, name, waitMs, env });
    },
  };
}
