import { subscribe, unsubscribe } from "node:diagnostics_channel";
import type { IncidentEvent } from "trunkline";
import { checkEntries, checkHandlers, checkNothingLeft, checkPrompt } from "./checks.ts";
import { probeMsMax } from "./client-node.ts";
import { beginFaults, endFaults } from "./faults.ts";
import { checkFigures } from "./figures.ts";
import type { Ledger } from "./ledger.ts";
import type { Failures, Played } from "./played.ts";
import { makeScene, type Scene } from "./scene.ts";
import type { Stage } from "./stage.ts";

/** After the network is mended, everything has settled within this. */
const settleMs = 20_000;

/** After everything has settled, handlers have noticed it within this. */
const noticeMs = 6_000;

/** After everything was closed, nothing happens any more after this. */
const restMs = 30_000;

/** Runs clients and servers under the faults that the seed draws, and checks what they promise. */
export async function playCalls(seed: number, tell?: (line: string) => void): Promise<Played> {
  const scene = makeScene(seed, tell);
  const { ledger, world } = scene.stage;
  const incident = (event: unknown): void => {
    const { id } = event as IncidentEvent;
    ledger.incidents.set(id, (ledger.incidents.get(id) ?? 0) + 1);
  };
  const floating = (error: unknown): void => {
    ledger.complain(`nobody waits for a failure: ${String(error)}`);
  };
  subscribe("trunkline:incident", incident);
  process.on("unhandledRejection", floating);
  try {
    await play(scene);
  } catch (error) {
    ledger.complain(`the run broke off: ${error instanceof Error ? error.stack : String(error)}`);
  }
  process.off("unhandledRejection", floating);
  unsubscribe("trunkline:incident", incident);
  const { violations, entries } = ledger;
  const { hash, events } = world;
  return { seed, hash, violations, operations: entries.size, events, failures: failuresOf(ledger) };
}

function failuresOf({ entries }: Ledger): Failures {
  const failures = { no: 0, maybe: 0, yes: 0 };
  for (const { outcome } of entries.values())
    if (outcome?.ok === false) failures[outcome.error.executed]++;
  return failures;
}

async function play(scene: Scene): Promise<void> {
  const { stage, servers, clients } = scene;
  const { world, plan, ledger } = stage;
  for (const server of servers) void server.start();
  for (const client of clients) client.start();
  beginFaults(scene);
  await world.run(plan.actMs);

  stage.resting = true;
  endFaults(scene);
  world.in(5_000, () => [...clients, ...servers].forEach((node) => node.leaveAll()));
  const settled = (): boolean =>
    [...ledger.entries.values()].every(({ outcome, env }) => outcome !== undefined || !env.alive);
  await world.runUntil(settled, world.now + settleMs);
  checkEntries(stage);
  await world.run(world.now + noticeMs);
  checkHandlers(stage);
  checkPrompt(stage);
  checkFigures(scene);
  if (ledger.violations.length > 0) return;

  const probingMs = plan.servers * probeMsMax;
  await finished(stage, Promise.all(clients.map((client) => client.probe())), probingMs);
  await finished(stage, Promise.all(clients.map((client) => client.close(0))));
  await finished(stage, Promise.all(servers.map((server) => server.stop())));
  const emptied = !(await world.runUntil(() => false, world.now + restMs));
  if (!emptied) ledger.complain("something goes on although everything was closed");
  checkNothingLeft(scene);
}

async function finished(
  stage: Stage,
  work: Promise<unknown>,
  withinMs: number = settleMs,
): Promise<void> {
  let done = false;
  void work.then(() => (done = true));
  if (!(await stage.world.runUntil(() => done, stage.world.now + withinMs)))
    stage.ledger.complain("closing takes for ever");
}
