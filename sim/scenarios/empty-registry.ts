import { chassis, client, serve } from "trunkline";
import { SimNetwork, World } from "trunkline/testing";
import { Desk } from "../resilience/contract.ts";
import { ScriptedDiscovery } from "../resilience/scripted-discovery.ts";
import type { Outcome } from "./goal.ts";

/** The registry says for a minute that there is nobody, and then does not answer for another one. */
export async function emptyRegistry(seed: number, short: boolean): Promise<Outcome[]> {
  const world = new World(seed);
  const network = new SimNetwork(world);
  const discovery = new ScriptedDiscovery();
  return world.play(async () => {
    const names = ["a", "b", "c"];
    const apps = await Promise.all(
      names.map((name) =>
        chassis({
          name,
          listen: `memory:${name}`,
          signals: false,
          env: world.env(name),
          transports: [network],
          serve: [
            serve(Desk, {
              read: async () => name,
              keyed: async () => name,
              act: async () => name,
            }),
          ],
        }),
      ),
    );
    for (const app of apps) {
      const [address] = app.addresses;
      const told = { contracts: ["desk@1"], addresses: [address!], state: "ready" as const };
      discovery.set({ id: app.name, bootId: app.instance, ...told });
    }
    const desk = client(Desk, "service:desk", {
      env: world.env("caller"),
      discovery,
      transports: [network],
    });
    let failed = 0;
    const ask = async (): Promise<void> => {
      const result = await desk.act.result({ id: "x" }, { deadline: "1s" });
      if (!result.ok) failed++;
    };
    await ask();
    const longMs = short ? 20_000 : 60_000;
    const calls: Promise<void>[] = [];
    for (const fault of ["empty", "silent", "none"] as const) {
      discovery.fault(fault);
      const until = world.now + longMs;
      while (world.now < until) {
        await world.sleep(50);
        calls.push(ask());
      }
    }
    await Promise.all(calls);
    await Promise.all(apps.map((app) => app.stop({ force: true })));
    const name = "a registry that is empty, then silent, for a minute each: failed calls";
    return [{ name, measured: failed, bound: "≤", limit: 0, unit: "" }];
  });
}
