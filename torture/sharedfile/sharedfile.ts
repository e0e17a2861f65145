import { tortureBroker, type Terms } from "../broker/broker.ts";
import type { TortureReport } from "../report.ts";

/** Segments are so small that one is begun every second, and the old ones are removed. */
const terms = "segmentBytes=60000&logBytes=50000000";

/** Processes that append to shared files and read them, and are killed while they do: at random, and by themselves, at each step. */
export function tortureSharedFile(given: Terms): Promise<TortureReport> {
  return tortureBroker(given, {
    address: (folder) => `sharedfile:${folder}?${terms}`,
    pauseMs: [100, 700],
    owner: () => Promise.resolve(undefined),
    dying: "sharedfile/dying.ts",
  });
}
