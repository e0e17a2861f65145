import { Dice } from "../dice.ts";
import { faultMsMax, type FaultName } from "./plan.ts";
import type { RegistryNode } from "./registry-node.ts";
import type { ServiceNode } from "./service-node.ts";
import type { Stage } from "./stage.ts";
import type { WatcherNode } from "./watcher-node.ts";

export interface Scene {
  readonly stage: Stage;
  readonly registries: readonly RegistryNode[];
  readonly services: readonly ServiceNode[];
  readonly watchers: readonly WatcherNode[];
}

/** Lets faults of the plan's classes happen, until the act is over. */
export function beginFaults(scene: Scene): void {
  const { world, plan } = scene.stage;
  const dice = new Dice(world, "faults");
  const names = [...plan.faults];
  if (names.length === 0) return;
  const next = (): void => {
    world.in(dice.exponential(plan.faultEveryMs), () => {
      if (world.now >= plan.actMs) return;
      happen(scene, dice, dice.pick(names));
      next();
    });
  };
  next();
}

/** Ends what does not end by itself, and mends what is broken. */
export function endFaults({ stage, registries, services, watchers }: Scene): void {
  stage.network.heal();
  for (const each of registries) void each.start();
  for (const each of [...services, ...watchers]) each.start();
}

function happen(scene: Scene, dice: Dice, fault: FaultName): void {
  const { network, world } = scene.stage;
  const registry = dice.pick(scene.registries);
  const service = dice.pick(scene.services);
  const watcher = dice.pick(scene.watchers);
  const forMs = dice.weighted([
    [3, dice.between(50, 2_000)],
    [1, dice.between(2_000, faultMsMax)],
  ]);
  world.trace(`fault: ${fault} for ${forMs}`);
  const later = (work: () => void): void => void world.in(forMs, work);
  switch (fault) {
    case "cut":
    case "silence":
      if (network.ends.length > 0) network[fault](dice.pick(network.ends));
      return;
    case "partition":
    case "asymmetric":
      return split(scene, dice, fault === "partition", forMs);
    case "refusedDials":
      network.dialFaults.refused = 0.7;
      return later(() => (network.dialFaults.refused = 0));
    case "registryCrash":
    case "registryHostCrash":
    case "registryWiped":
      registry.crash(fault === "registryHostCrash", fault === "registryWiped");
      return later(() => void registry.start());
    case "registryRestart":
      return void registry.stop().then(() => world.in(forMs / 4, () => void registry.start()));
    case "registryPause":
      return registry.env?.pause(forMs);
    case "serviceCrash":
      service.crash();
      return later(() => service.start());
    case "serviceRestart":
      return void service.stop().then(() => world.in(forMs / 4, () => service.start()));
    case "servicePause":
      return service.env?.pause(forMs);
    case "watcherPause":
      return watcher.env?.pause(forMs);
    case "watcherCrash":
      watcher.crash();
      return later(() => watcher.start());
    case "update":
      return service.update(dice.between(1, 9));
  }
}

/** Some nodes do not reach the others for a while, or only one way. */
function split(scene: Scene, dice: Dice, bothWays: boolean, forMs: number): void {
  const { network, world } = scene.stage;
  const nodes = [...scene.registries, ...scene.services, ...scene.watchers].map(({ name }) => name);
  const apart = nodes.filter(() => dice.chance(0.4));
  const ways = apart.flatMap((from) =>
    nodes
      .filter((to) => !apart.includes(to))
      .flatMap((to) =>
        bothWays ? [[from, to] as const, [to, from] as const] : [[from, to] as const],
      ),
  );
  for (const [from, to] of ways) network.sever(from, to);
  world.in(forMs, () => {
    for (const [from, to] of ways) network.mend(from, to);
  });
}
