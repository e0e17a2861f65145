import { deathsOf } from "./deaths.ts";
import { Dice } from "../dice.ts";
import type { Played } from "../played.ts";
import { watched } from "../watched.ts";
import { SimConsumer } from "./consumer.ts";
import { Publisher } from "./publisher.ts";
import { deadOf, Stage } from "./stage.ts";

/** After the last fault all that was sent is done or dead within this, in milliseconds. */
const settleMs = 600_000;

/** Runs publishers and consumers on an embedded broker whose process ends at any point of its storage's work, and checks what it promises. */
export async function playBroker(seed: number, tell?: (line: string) => void): Promise<Played> {
  const stage = new Stage(seed, tell);
  await watched(stage, play);
  const { violations, ledgers, world } = stage;
  const failures = { no: 0, maybe: 0, yes: 0 };
  const operations = ledgers.reduce((sum, { deliveries }) => sum + deliveries, 0);
  return { seed, hash: world.hash, violations, operations, events: world.events, failures };
}

async function play(stage: Stage): Promise<void> {
  const { world, plan, ledgers } = stage;
  for (const ledger of ledgers)
    for (let index = 0; index < plan.consumersEach; index++)
      new SimConsumer(stage, ledger, index).start();
  const publishers = Array.from({ length: plan.publishers }, (_, i) => new Publisher(stage, i));
  stage.start();
  for (const publisher of publishers) publisher.start();
  strike(stage);
  await world.run(plan.actMs);
  stage.acting = false;
  const settled = await world.runUntil(
    () =>
      stage.life !== undefined &&
      publishers.every(({ open }) => open === 0) &&
      ledgers.every(({ queue }) => stage.life!.host.queue(queue)!.count === 0),
    world.now + settleMs,
  );
  if (!settled) stage.complain(told(stage));
  await world.runUntil(() => false, world.now + 1_000);
  await judge(stage);
}

/** What is left of a run that does not come to its end. */
function told({ ledgers, life }: Stage): string {
  const left = ledgers.map(({ queue }) => {
    const of = life?.host.queue(queue);
    if (of === undefined) return `${queue} is not there`;
    return `${queue} has ${of.count}: ${of.ready} ready, ${of.unsettled} unsettled, ${of.held} held`;
  });
  return `it never ends: ${left.join("; ")}`;
}

function strike(stage: Stage): void {
  const { world, plan } = stage;
  if (plan.crashEveryMs === Infinity) return;
  const dice = new Dice(world, "faults");
  const next = (): void =>
    void world.in(dice.exponential(plan.crashEveryMs), () => {
      if (!stage.acting) return;
      if (dice.chance(plan.orderly)) stage.roll();
      else stage.crash();
      next();
    });
  next();
}

async function judge(stage: Stage): Promise<void> {
  const { ledgers, sent, plan, world } = stage;
  const { host, storage } = stage.life!;
  for (const ledger of ledgers) {
    const rows = await world.play(() => host.queue(deadOf(ledger.queue))!.browse(1_000_000));
    for (const { message } of rows) {
      const id = Buffer.from(message.body).toString();
      ledger.dead.set(id, [...(ledger.dead.get(id) ?? []), deathsOf(message)]);
    }
    for (const lie of ledger.lies(sent, plan)) stage.complain(lie);
  }
  // What is left on disk is what is there.
  await world.play(() => storage.until(storage.batch - 1));
}
