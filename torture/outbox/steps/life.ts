// One life of a process that publishes, relays and handles: `life.ts PLACE NAME LOG`. It carries on where the last one has died; then it
// writes, and dies at its step, or ends when all of it is done.
import { setTimeout as pause } from "node:timers/promises";
import { chassis } from "trunkline";
import { openBroker } from "../../../src/chassis/broker-at.ts";
import { realEnv } from "../../../src/base/real-env.ts";
import { Log } from "../../log.ts";
import { bindings } from "../contract.ts";
import { databaseAt } from "../database.ts";
import { Deeds } from "../deeds.ts";
import { handlersOf } from "../handlers.ts";
import { isDone, leftOf } from "../ledger.ts";
import { placeOf, relayOf } from "../place.ts";
import type { LifePlace } from "./outbox-steps.ts";
import { steppedBroker } from "./stepped-broker.ts";
import { steppedStore } from "./stepped-store.ts";
import { Stepper } from "./stepper.ts";

/** How long it may take until nothing is left to do, and until a step comes, in milliseconds. */
const doneWithinMs = 30_000;
const stepWithinMs = 30_000;
/** Transactions at once. */
const together = 8;
/** Messages that are not handled yet, past which nothing more is written: a step of a handler would come behind them. */
const unhandledMax = 64;

const { place, name, log: path } = placeOf(process.argv.slice(2));
const { step, nth, deeds: deedsAfter } = place as LifePlace;
const log = new Log(path);
const stepper = new Stepper();
await using database = await databaseAt(place.store);
const store = steppedStore(database.store, stepper);
const deeds = new Deeds({ ...database, store }, log, name);
await using opened = await openBroker(place.broker, { name, waitMs: 20_000 }, realEnv());
const app = await chassis({
  name,
  messages: steppedBroker(opened, stepper),
  bindings,
  serve: handlersOf(store, (when, act) => stepper.at(when, act)),
  relay: relayOf(place),
});
await untilDone();
if (step !== undefined) {
  stepper.arm(step, nth);
  const until = performance.now() + stepWithinMs;
  while (performance.now() < until)
    if ((await leftOf(database.store)).effects < unhandledMax) await write();
    else await pause(25);
  log.write("failed", `it never came ${step.when} ${step.act}, ${nth} times`);
  process.exit(1);
}
for (let count = 0; count < deedsAfter; count += together) await write();
await untilDone();
await app.stop();
log.close();

async function write(): Promise<void> {
  await Promise.all(Array.from({ length: together }, () => deeds.next()));
}

/** What the last life has left, and this one has begun. */
async function untilDone(): Promise<void> {
  const until = performance.now() + doneWithinMs;
  for (;;) {
    const left = await leftOf(database.store);
    if (isDone(left)) return;
    if (performance.now() > until) {
      log.write("failed", "something is left:", JSON.stringify(left));
      process.exit(1);
    }
    await pause(25);
  }
}
