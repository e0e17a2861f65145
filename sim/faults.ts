import { Dice } from "./dice.ts";
import type { FaultName } from "./plan.ts";
import type { Scene } from "./scene.ts";
import type { ServerNode } from "./server-node.ts";

/** Lets faults of the plan's classes happen, until the act is over. */
export function beginFaults(scene: Scene): void {
  const dice = new Dice(scene.stage.world, "faults");
  const { world } = scene.stage;
  const { faults, faultEveryMs, actMs, habits } = scene.stage.plan;
  const classes: (FaultName | "close")[] = [...faults];
  if (habits.has("closes")) classes.push("close");
  if (classes.length === 0) return;
  const next = (): void => {
    world.in(dice.exponential(faultEveryMs), () => {
      if (world.now >= actMs) return;
      happen(scene, dice, dice.pick(classes));
      next();
    });
  };
  next();
}

/** Ends what does not end by itself, and mends what is broken. */
export function endFaults(scene: Scene): void {
  scene.stage.network.heal();
  for (const server of scene.servers) void server.start();
  for (const client of scene.clients) if (!client.env.alive) client.start();
}

function happen(scene: Scene, dice: Dice, fault: FaultName | "close"): void {
  const { clients, servers } = scene;
  const { network, world, ledger } = scene.stage;
  world.trace(`fault: ${fault}`);
  const server = dice.pick(servers);
  const client = dice.pick(clients);
  const durationMs = dice.between(50, 2_000);
  switch (fault) {
    case "cut":
    case "silence": {
      const { ends } = network;
      if (ends.length > 0) network[fault](dice.pick(ends));
      return;
    }
    case "partition":
    case "asymmetric":
      return split(scene, dice, fault === "partition", durationMs);
    case "slowReader": {
      const { name } = dice.chance(0.5) ? server : client;
      network.slow(name, dice.pick([1, 10, 200]));
      world.in(durationMs, () => network.slow(name, Infinity));
      return;
    }
    case "refusedDials":
      network.dialFaults.refused = 0.7;
      world.in(durationMs, () => (network.dialFaults.refused = 0));
      return;
    case "slowDials":
      network.dialFaults.delayMs = dice.between(10, 1_000);
      world.in(durationMs, () => (network.dialFaults.delayMs = 0));
      return;
    case "crash":
    case "hostCrash":
      server.crash(fault === "hostCrash");
      world.in(durationMs, () => void server.start());
      return;
    case "restart":
      void restart(server, scene, dice.between(0, 300));
      return;
    case "serverPause":
    case "clientPause": {
      const env = fault === "serverPause" ? server.life?.env : client.env;
      if (env === undefined || !env.alive) return;
      ledger.paused(env, durationMs);
      env.pause(durationMs);
      return;
    }
    case "clientCrash":
      if (!client.env.alive) return;
      client.crash();
      world.in(durationMs, () => client.env.alive || client.start());
      return;
    case "close":
      if (client.env.alive)
        client.env.in(0, () => void client.reopen(dice.chance(0.5) ? 0 : durationMs));
      return;
  }
}

async function restart(server: ServerNode, scene: Scene, afterMs: number): Promise<void> {
  const { life } = server;
  if (life === undefined) return;
  // As SIGTERM does: within the process, when it gets to it.
  await new Promise<void>((resolve) => void life.env.in(0, resolve));
  await server.stop();
  await scene.stage.world.sleep(afterMs);
  await server.start();
}

/** Some nodes do not reach the others for a while, or only one way. */
function split(scene: Scene, dice: Dice, bothWays: boolean, forMs: number): void {
  const { network, world } = scene.stage;
  const nodes = [...scene.servers, ...scene.clients].map(({ name }) => name);
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
