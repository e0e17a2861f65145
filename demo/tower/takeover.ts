import { setTimeout as sleep } from "node:timers/promises";
import { chassis, isTrunklineError, type Chassis, type ChassisOptions } from "trunkline";

const triesEveryMs = 10;
const giveUpMs = 60_000;

/**
 * Starts as soon as nobody else listens there. So the next process of a roll stands ready before the last one is asked
 * to stop, and the address is without a listener for a moment only.
 */
export async function chassisWhenFree(options: ChassisOptions): Promise<Chassis> {
  const until = performance.now() + giveUpMs;
  for (;;) {
    try {
      return await chassis(options);
    } catch (error) {
      const taken = isTrunklineError(error) && error.code === "UNAVAILABLE";
      if (!taken || performance.now() > until) throw error;
    }
    await sleep(triesEveryMs);
  }
}
