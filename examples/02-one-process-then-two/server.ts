// Serves the clock at the address given: in this process when imported, in one of its own when started.
import { chassis, serve, type Chassis } from "trunkline";
import { Clock } from "./clock.contract.ts";

export function serveClock(address: string): Promise<Chassis> {
  let count = 0;
  return chassis({
    name: "clock",
    listen: address,
    serve: [
      serve(Clock, {
        count: () => count,
        async *ticks({ most }) {
          for (let tick = 0; tick < most; tick++) yield ++count;
        },
        reset: () => {
          count = 0;
        },
      }),
    ],
  });
}

if (import.meta.main) {
  const app = await serveClock(process.argv[2]!);
  await app.stopped; // SIGTERM drains, then this resolves
}
