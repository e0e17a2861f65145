import { Dice } from "../dice.ts";
import type { CallerNode } from "./caller-node.ts";
import { faultMsMax, type FaultName } from "./plan.ts";
import type { ReplicaNode } from "./replica-node.ts";
import type { Stage } from "./stage.ts";

export interface Scene {
  readonly stage: Stage;
  readonly replicas: readonly ReplicaNode[];
  readonly callers: readonly CallerNode[];
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
export function endFaults({ stage, replicas }: Scene): void {
  stage.network.heal();
  stage.discovery.fault("none");
  for (const replica of replicas) {
    replica.slowness = 1;
    replica.failing = false;
    replica.start();
  }
}

function happen(scene: Scene, dice: Dice, fault: FaultName): void {
  const { network, world, discovery } = scene.stage;
  const replica = dice.pick(scene.replicas);
  const caller = dice.pick(scene.callers);
  const forMs = dice.weighted([
    [3, dice.between(20, 1_000)],
    [1, dice.between(1_000, faultMsMax)],
  ]);
  world.trace(`fault: ${fault} for ${forMs}, ${replica.name} ${caller.name}`);
  const later = (work: () => void): void => void world.in(forMs, work);
  switch (fault) {
    case "crash":
    case "hostCrash":
      replica.crash(fault === "hostCrash");
      return later(() => replica.start());
    case "roll":
      replica.roll();
      return later(() => replica.start());
    case "pause":
      return replica.env?.pause(forMs);
    case "callerPause":
      caller.env.pause(forMs);
      caller.pausedAt = Math.max(caller.pausedAt, world.now + forMs);
      return;
    case "cut":
    case "silence":
      if (network.ends.length > 0) network[fault](dice.pick(network.ends));
      return;
    case "partition":
      network.sever(caller.name, replica.name);
      network.sever(replica.name, caller.name);
      return later(() => {
        network.mend(caller.name, replica.name);
        network.mend(replica.name, caller.name);
      });
    case "refusedDials":
      network.dialFaults.refused = 0.7;
      return later(() => (network.dialFaults.refused = 0));
    case "slow":
      replica.slowness = 50;
      return later(() => (replica.slowness = 1));
    case "failing":
      replica.failing = true;
      return later(() => (replica.failing = false));
    case "registryEmpty":
    case "registrySilent":
    case "registryForgets":
      discovery.fault(
        fault === "registryEmpty" ? "empty" : fault === "registrySilent" ? "silent" : "forgets",
      );
      return later(() => discovery.fault("none"));
  }
}
