// The other side in a process or a thread of its own: `side.ts TERMS`. Says at which address it listens, and ends with whoever started it.
import { parentPort, workerData } from "node:worker_threads";
import { mechanismNamed } from "./mechanisms.ts";
import type { SideTerms } from "./measured.ts";
import { serveSide, serveUsage } from "./serving.ts";

const terms = (parentPort === null ? JSON.parse(process.argv[2]!) : workerData) as SideTerms;

const listening = serveSide(mechanismNamed(terms.mechanism), terms);
// A thread uses what its process uses.
if (parentPort === null) {
  await serveUsage(terms.folder, () => {
    const { user, system } = process.cpuUsage();
    return user + system;
  });
}
const told = await listening.then(
  ({ address }) => ({ address }),
  (error: unknown) => ({ problem: error instanceof Error ? error.message : String(error) }),
);
if (parentPort !== null) parentPort.postMessage(told);
else if (process.send !== undefined) {
  // In order: what has a name in the system must not outlive us.
  const leave = (): void => process.exit();
  const stop = (): void => void listening.then((side) => side.stop()).then(leave, leave);
  process.once("disconnect", stop);
  if (process.connected) process.send(told);
  else stop();
} else if ("problem" in told) throw new Error(told.problem);
else void (await listening).stopped.then(() => process.exit());
