import { deadChannelOf, provenanceOf } from "../../src/messaging/dead/letter.ts";
import { Dice } from "../dice.ts";
import type { Played } from "../played.ts";
import { watched } from "../watched.ts";
import { ConsumerNode } from "./consumer-node.ts";
import type { FaultName } from "./plan.ts";
import { PublisherNode } from "./publisher-node.ts";
import { Stage } from "./stage.ts";

/** After the last fault all that was sent is handled or dead within this, in milliseconds. */
const settleMs = 600_000;
const restMs = 30_000;

/** Runs publishers and groups of consumers on a broker under the faults that the seed draws, and checks what messaging promises. */
export async function playMessaging(seed: number, tell?: (line: string) => void): Promise<Played> {
  const stage = new Stage(seed, tell);
  await watched(stage, play);
  const { violations, ledger, world } = stage;
  const failures = { no: 0, maybe: 0, yes: 0 };
  const operations = ledger.attempts;
  return { seed, hash: world.hash, violations, operations, events: world.events, failures };
}

async function play(stage: Stage): Promise<void> {
  const { world, plan, groups } = stage;
  const consumers = groups.flatMap((group) =>
    Array.from({ length: plan.consumersEach }, (_, index) => new ConsumerNode(stage, group, index)),
  );
  const publishers = Array.from({ length: plan.publishers }, (_, i) => new PublisherNode(stage, i));
  for (const each of [...consumers, ...publishers]) each.start();
  strike(stage, consumers);
  await world.run(plan.actMs);
  stage.acting = false;
  for (const publisher of publishers) publisher.publishing = false;
  await world.run(world.now + 10_000); // who stands still, or is down, comes back
  for (const consumer of consumers) consumer.revive();
  const settled = await world.runUntil(
    () => publishers.every(({ sending }) => sending === 0) && waiting(stage) === 0,
    world.now + settleMs,
  );
  if (!settled) stage.complain(`${waiting(stage)} messages wait for ever`);
  let stopped = false;
  void Promise.all(consumers.map((each) => each.stop())).then(() => (stopped = true));
  if (!(await world.runUntil(() => stopped, world.now + restMs)))
    stage.complain("stopping takes for ever");
  await judge(stage);
}

/** Messages that are not settled, of all groups. */
function waiting(stage: Stage): number {
  return stage.groups.reduce((sum, group) => sum + stage.waitingFor(group), 0);
}

async function judge(stage: Stage): Promise<void> {
  const { plan, ledger, channel } = stage;
  for (const group of stage.groups) {
    const letters = await stage
      .direct()
      .browse(deadChannelOf(channel, group), undefined, 1_000_000);
    ledger.dead.set(
      group,
      new Map(letters.map((each) => [each.id, provenanceOf(each)?.last.why ?? ""])),
    );
    const followed = plan.dead === "park-key";
    const calm = plan.faults.size === 0;
    for (const lie of ledger.lies(group, plan.ordered, followed, calm)) stage.complain(lie);
  }
}

function strike(stage: Stage, consumers: readonly ConsumerNode[]): void {
  const { world, plan } = stage;
  const dice = new Dice(world, "faults");
  const acts: readonly (readonly [FaultName, (node: ConsumerNode) => void])[] = [
    ["crash", (node) => node.crash()],
    ["pause", (node) => node.pause()],
    ["roll", (node) => node.roll()],
  ];
  const possible = acts.filter(([name]) => plan.faults.has(name));
  const next = (): void =>
    void world.in(dice.exponential(plan.faultEveryMs), () => {
      if (!stage.acting || possible.length === 0) return;
      dice.pick(possible)[1](dice.pick(consumers));
      next();
    });
  next();
}
