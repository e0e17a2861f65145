import { subscribe, unsubscribe } from "node:diagnostics_channel";
import type { Played } from "../played.ts";
import { CallerNode } from "./caller-node.ts";
import { beginFaults, endFaults, type Scene } from "./faults.ts";
import { ReplicaNode } from "./replica-node.ts";
import { Stage } from "./stage.ts";

/** After everything is mended, callers that go on have good answers again within this: silent connections are noticed (15 s), and faults end. */
const recoverMs = 40_000;

/** The longest that a breaker stays open, in milliseconds, and time for its probe. */
const breakerMs = 320_000;

/** After the last call was made, all are over after this. */
const restMs = 30_000;

/** Runs callers and replicas behind a registry under the faults that the seed draws, and checks what the pipeline promises. */
export async function playResilience(seed: number, tell?: (line: string) => void): Promise<Played> {
  const stage = new Stage(seed, tell);
  const { world, plan } = stage;
  const floating = (error: unknown): void => {
    stage.complain(`nobody waits for a failure: ${String(error)}`);
  };
  process.on("unhandledRejection", floating);
  const heard = (): void => {}; // handlers that fail are part of the play: nobody needs to be warned
  subscribe("trunkline:incident", heard);
  try {
    const list = <T>(length: number, make: (index: number) => T): T[] =>
      Array.from({ length }, (_, index) => make(index));
    await play({
      stage,
      replicas: list(plan.replicas, (index) => new ReplicaNode(stage, index)),
      callers: list(plan.callers, (index) => new CallerNode(stage, index)),
    });
  } catch (error) {
    stage.complain(`the run broke off: ${error instanceof Error ? error.stack : String(error)}`);
  }
  process.off("unhandledRejection", floating);
  unsubscribe("trunkline:incident", heard);
  const { violations, ledger } = stage;
  const { failures, calls } = ledger;
  return { seed, hash: world.hash, violations, operations: calls, events: world.events, failures };
}

async function play(scene: Scene): Promise<void> {
  const { stage, replicas, callers } = scene;
  const { world, plan, ledger } = stage;
  for (const replica of replicas) replica.start();
  for (const caller of callers) caller.start();
  beginFaults(scene);
  await world.run(plan.actMs);
  endFaults(scene);
  await world.run(world.now + recoverMs / 2);
  endFaults(scene); // what was down for a while when the act ended
  await world.run(world.now + recoverMs / 2);
  for (const { name, recent } of callers) {
    if (recent.length < 20 || recent.every(Boolean)) continue;
    stage.complain(`${name} has no good answers though all is mended`);
  }
  await closeBreakers(scene);
  for (const caller of callers) caller.asking = false;
  await world.run(world.now + restMs);
  for (const lie of ledger.lies()) stage.complain(lie);
  await finished(stage, "callers", Promise.all(callers.map((each) => each.finish())));
  await finished(stage, "replicas", Promise.all(replicas.map((each) => each.stop())));
}

/** A breaker cannot be stuck: while there are calls, and its endpoint answers, it closes. */
async function closeBreakers({ stage, callers }: Scene): Promise<void> {
  const { world } = stage;
  const stuck = (): string[] =>
    callers.flatMap(({ name, open }) => open.map((id) => `${name}: ${id}`));
  const until = world.now + breakerMs;
  while (stuck().length > 0 && world.now < until) await world.run(world.now + 5_000);
  for (const each of stuck()) stage.complain(`the breaker stays open: ${each}`);
}

async function finished(stage: Stage, who: string, work: Promise<unknown>): Promise<void> {
  let done = false;
  void work.then(() => (done = true));
  if (!(await stage.world.runUntil(() => done, stage.world.now + restMs)))
    stage.complain(`closing ${who} takes for ever`);
}
