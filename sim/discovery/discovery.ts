import type { Played } from "../played.ts";
import { beginFaults, endFaults, type Scene } from "./faults.ts";
import { RegistryNode } from "./registry-node.ts";
import { ServiceNode } from "./service-node.ts";
import { Stage } from "./stage.ts";
import { WatcherNode } from "./watcher-node.ts";

/**
 * After everything is mended, all know all within this, in milliseconds: a connection that is silently dead is noticed (15 s), the
 * registry stops saying that it does not know everybody (20 s), the last lease of a dead process ends (twice 10 s), whoever waits
 * asks again (5 s), and a fault that had begun ends (20 s).
 */
const convergeMs = 80_000;

/** After everything was closed, nothing happens any more after this. */
const restMs = 60_000;

/** Runs registries, those who register and those who watch under the faults that the seed draws, and checks what is promised. */
export async function playDiscovery(seed: number, tell?: (line: string) => void): Promise<Played> {
  const stage = new Stage(seed, tell);
  const { world, plan } = stage;
  const floating = (error: unknown): void => {
    stage.complain(`nobody waits for a failure: ${String(error)}`);
  };
  process.on("unhandledRejection", floating);
  try {
    const services = list(plan.services, (index) => new ServiceNode(stage, index));
    await play({
      stage,
      services,
      registries: list(plan.registries, (index) => new RegistryNode(stage, index)),
      watchers: list(plan.watchers, (index) => new WatcherNode(stage, index, services)),
    });
  } catch (error) {
    stage.complain(`the run broke off: ${error instanceof Error ? error.stack : String(error)}`);
  }
  process.off("unhandledRejection", floating);
  const { violations, told } = stage;
  const failures = { no: 0, maybe: 0, yes: 0 };
  return { seed, hash: world.hash, violations, operations: told, events: world.events, failures };
}

function list<T>(length: number, make: (index: number) => T): T[] {
  return Array.from({ length }, (_, index) => make(index));
}

async function play(scene: Scene): Promise<void> {
  const { stage, registries, services, watchers } = scene;
  const { world, plan } = stage;
  for (const each of registries) void each.start();
  for (const each of [...services, ...watchers]) each.start();
  beginFaults(scene);
  await world.run(plan.actMs);
  endFaults(scene);
  // What was down for a while when the act ended comes back by itself.
  await world.run(world.now + convergeMs / 4);
  endFaults(scene);
  await world.run(world.now + convergeMs);
  checkConverged(scene);
  if (stage.violations.length > 0) return;

  await finished(stage, "watchers", Promise.all(watchers.map((each) => each.close())));
  await finished(stage, "services", Promise.all(services.map((each) => each.stop())));
  await finished(stage, "registries", Promise.all(registries.map((each) => each.stop())));
  if (await world.runUntil(() => false, world.now + restMs))
    stage.complain("something goes on although everything was closed");
}

/** Everybody who lives is registered, and everybody who watches knows exactly those. */
function checkConverged({ stage, services, watchers }: Scene): void {
  for (const { name, held } of services)
    if (!held) stage.complain(`${name} lives and does not hold its lease`);
  const living = services.map(({ instance }) => instance!);
  const lives = living.map(({ bootId }) => bootId).toSorted();
  for (const { name, current, members } of watchers) {
    if (current?.status !== "ok")
      stage.complain(`${name} has not heard of the registry: ${current?.problem}`);
    const told = (current?.instances ?? []).map(({ bootId }) => bootId).toSorted();
    if (told.join() !== lives.join())
      stage.complain(`${name} hears ${told.join()} and not ${lives.join()}`);
    if (members.join() !== lives.join())
      stage.complain(`${name} uses ${members.join()} and not ${lives.join()}`);
    for (const { id, weight = 1 } of living) {
      const heard = current?.instances.find((each) => each.id === id);
      if (heard !== undefined && (heard.weight ?? 1) !== weight)
        stage.complain(`${name} has not heard that ${id} has changed`);
    }
  }
}

async function finished(stage: Stage, who: string, work: Promise<unknown>): Promise<void> {
  let done = false;
  void work.then(() => (done = true));
  if (!(await stage.world.runUntil(() => done, stage.world.now + convergeMs)))
    stage.complain(`closing ${who} takes for ever`);
}
