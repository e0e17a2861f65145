import { Dice } from "../dice.ts";
import type { Played } from "../played.ts";
import { watched } from "../watched.ts";
import { ConsumerNode } from "./consumer-node.ts";
import type { OutboxRow } from "../../src/store/outbox-rows.ts";
import type { FaultName } from "./plan.ts";
import { RelayNode } from "./relay-node.ts";
import { Stage } from "./stage.ts";
import { WriterNode } from "./writer-node.ts";

/** After the last fault everything has its effect within this, in milliseconds. */
const settleMs = 600_000;
const restMs = 30_000;
/** How long the database is away when it ends. */
const downMs = [50, 3_000] as const;

/**
 * Runs writers whose transactions publish, relays and consumers with an inbox on a model of a database and of a broker, under the faults
 * that the seed draws; and checks that each message of a committed transaction has its effect once, in the order of the commits of its
 * key, that no other has one, and that nothing stays behind.
 */
export async function playOutbox(seed: number, tell?: (line: string) => void): Promise<Played> {
  const stage = new Stage(seed, tell);
  await watched(stage, play);
  const { violations, ledger, world } = stage;
  const failures = { no: 0, maybe: 0, yes: 0 };
  const operations = ledger.transactions;
  return { seed, hash: world.hash, violations, operations, events: world.events, failures };
}

interface Nodes {
  readonly writers: readonly WriterNode[];
  readonly relays: readonly RelayNode[];
  readonly consumers: readonly ConsumerNode[];
}

async function play(stage: Stage): Promise<void> {
  const { world, plan } = stage;
  const several = <T>(count: number, make: (index: number) => T): T[] =>
    Array.from({ length: count }, (_, index) => make(index));
  const nodes: Nodes = {
    writers: several(plan.writers, (index) => new WriterNode(stage, index)),
    relays: several(plan.relays, (index) => new RelayNode(stage, index)),
    consumers: several(plan.consumers, (index) => new ConsumerNode(stage, index)),
  };
  const all = [...nodes.writers, ...nodes.relays, ...nodes.consumers];
  for (const each of all) each.start();
  strike(stage, nodes);
  await world.run(plan.actMs);
  stage.acting = false;
  for (const writer of nodes.writers) writer.writing = false;
  await world.run(world.now + 20_000); // who stands still, or is down, comes back
  await mend(stage, nodes);
  const settled = await world.runUntil(() => leftOf(stage) === 0, world.now + settleMs);
  if (!settled) stage.complain(`${told(stage)} wait for ever`);
  let stopped = false;
  void Promise.all([...nodes.relays, ...nodes.consumers].map((each) => each.stop())).then(
    () => (stopped = true),
  );
  if (!(await world.runUntil(() => stopped, world.now + restMs)))
    stage.complain("stopping takes for ever");
  for (const lie of stage.ledger.lies(plan.refused === "park-key")) stage.complain(lie);
}

/** Refused messages are taken from now on; those that were given up are put back. */
async function mend(stage: Stage, { relays }: Nodes): Promise<void> {
  const { world, database } = stage;
  if (stage.plan.refusedShare === 0) return;
  stage.mended = true;
  // Until nobody buries any more: what was read before may still be on its way there.
  for (let again = 0; again < 3; again++) {
    let redriven = false;
    void relays[0]!.redrive().then(() => (redriven = true));
    if (!(await world.runUntil(() => redriven, world.now + restMs)))
      stage.complain("to redrive takes for ever");
    await world.run(world.now + 40_000);
  }
  if (database.rows("dead").length > 0)
    stage.complain(`${database.rows("dead").length} rows are dead again`);
}

function leftOf(stage: Stage): number {
  return stage.database.rows("outbox").length + stage.waiting + stage.ledger.owed;
}

function told({ database, waiting, ledger }: Stage): string {
  const rows = (database.rows("outbox") as [string, OutboxRow][]).map(([, { id }]) => id);
  return `${rows.length} rows (${rows.slice(0, 5).join(", ")}), ${waiting} messages, ${ledger.owed} effects`;
}

function strike(stage: Stage, { writers, relays, consumers }: Nodes): void {
  const { world, plan, database, ledger } = stage;
  const dice = new Dice(world, "faults");
  const nodes = [...writers, ...relays, ...consumers];
  const rolling = [...relays, ...consumers];
  const down = (): void => {
    database.crash();
    database.up = false;
    world.in(dice.between(...downMs), () => (database.up = true));
  };
  const acts: readonly (readonly [FaultName, () => void])[] = [
    ["crash", () => dice.pick(nodes).crash()],
    ["pause", () => dice.pick(nodes).pause()],
    ["roll", () => dice.pick(rolling).roll()],
    ["databaseCrash", down],
    [
      "failover",
      () => {
        ledger.forget(database.failOver(dice.between(0, 1_500)));
        world.trace("another database takes over");
        down();
      },
    ],
  ];
  const possible = acts.filter(([name]) => plan.faults.has(name));
  const next = (): void =>
    void world.in(dice.exponential(plan.faultEveryMs), () => {
      if (!stage.acting || possible.length === 0) return;
      dice.pick(possible)[1]();
      next();
    });
  next();
}
