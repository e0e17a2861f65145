import { followersMax } from "../bridge/evidence/bounds.ts";
import { watchesMax } from "../bridge/registry/bounds.ts";
import { registry as makeRegistry } from "../bridge/registry/registry.ts";
import { Registry, type RegistrySnapshot } from "../bridge/registry/contract.ts";
import { chassis } from "../chassis/chassis.ts";
import { client } from "../chassis/client.ts";
import type { Instance } from "../discovery/discovery.ts";
import type { Command, Line } from "./command.ts";
import { deadlineOf, deadlineOption } from "./deadline.ts";
import { exitCodes } from "./exit-code.ts";
import { listeningOf, listeningOptions } from "./listening.ts";
import { checked } from "./remote.ts";
import { table } from "./table.ts";
import { aborted, printJson, styled, type Terminal } from "./terminal.ts";
import { age, count, several } from "./units.ts";

/** Runs a registry, or looks at one. */
export const registry: Command = {
  name: "registry",
  summary: "run a registry of instances, or look at one",
  usage: "--listen ADDRESS | list ADDRESS | watch ADDRESS SERVICE",
  about: `One process for a few machines: instances register there with leases, and
clients find them by service:NAME. It is not replicated; while it is away,
what was found before goes on being used. Who needs more uses etcd or Consul.
Others name it by registry+ADDRESS, as in registry+tcp://10.0.0.1:7500.`,
  options: {
    ...listeningOptions,
    data: { value: "FOLDER", about: "keep there what is registered, over a restart" },
    ...deadlineOption,
  },
  words: ["list", "watch"],
  examples: [
    "registry --listen unix:./run/registry.sock --data ./run/registry",
    "registry --listen tls://0.0.0.0:7500 --cert cert.pem --key key.pem --data /var/lib/registry",
    "registry list unix:./run/registry.sock",
    "registry watch unix:./run/registry.sock orders",
  ],
  run(line) {
    const what = line.optionalWord(0);
    if (what === "list") return list(line);
    if (what === "watch") return watch(line);
    line.atMost(0);
    return serveRegistry(line);
  },
};

async function serveRegistry(line: Line): Promise<number> {
  const { terminal } = line;
  const { env, interrupted } = terminal;
  const folder = line.text("data");
  await using running = await makeRegistry({
    ...(folder === undefined ? {} : { folder }),
    onProblem: (problem) => terminal.tell(`trunkline registry: ${problem}\n`),
    env,
  });
  const { services, size } = running;
  await using app = await chassis({
    name: "registry",
    ...listeningOf(line),
    serve: services,
    admission: { lastingMax: watchesMax + followersMax },
    env,
  });
  // The drain waits for what is under way, and a watch is under way for ever.
  app.stopping.addEventListener("abort", () => void running.close(), { once: true });
  void aborted(interrupted).then(() => app.stop());
  const { addresses } = app;
  if (line.json) await printJson(terminal, { listening: addresses, instances: size });
  else {
    const kept = folder === undefined ? "" : `, ${several(size, "instance")} known`;
    await terminal.print(`registry at ${addresses.join(", ")}${kept}\n`);
  }
  const { cut } = await app.stopped;
  if (line.json) await printJson(terminal, { ok: true, cut });
  return exitCodes.ok;
}

async function list(line: Line): Promise<number> {
  const { terminal, json } = line;
  await using asked = client(Registry, checked(line.word(1, "ADDRESS")));
  line.atMost(3);
  const service = line.optionalWord(2);
  if (service !== undefined) {
    const snapshot = await asked.list({ service }, deadlineOf(line));
    if (json) await printJson(terminal, { ok: true, ...snapshot });
    else await terminal.print(shown(snapshot, terminal));
    return exitCodes.ok;
  }
  const overview = await asked.overview(undefined, deadlineOf(line));
  if (json) await printJson(terminal, { ok: true, ...overview });
  else {
    const { services, instances, watches, complete } = overview;
    const state = complete ? "" : styled(terminal, "yellow", ", begun not long ago");
    const head = `${several(instances, "instance")}, ${count(watches)} watched${state}\n`;
    const rows = services.map((each) => [`  ${each.name}`, { right: count(each.instances) }]);
    await terminal.print(head + table(rows));
  }
  return exitCodes.ok;
}

async function watch(line: Line): Promise<number> {
  const { terminal, json } = line;
  await using asked = client(Registry, checked(line.word(1, "ADDRESS")));
  const service = line.word(2, "SERVICE");
  line.atMost(3);
  const begunAt = terminal.env.now();
  let before: number | undefined;
  for await (const snapshot of asked.watch({ service }, deadlineOf(line))) {
    if (json) await printJson(terminal, snapshot);
    else if (snapshot.revision !== before)
      await terminal.print(
        `${`+${age(terminal.env.now() - begunAt)}`.padEnd(12)}${shown(snapshot, terminal)}`,
      );
    before = snapshot.revision;
  }
  if (json) await printJson(terminal, { ok: true });
  return exitCodes.ok;
}

function shown({ service, instances }: RegistrySnapshot, terminal: Terminal): string {
  const head = `${styled(terminal, "bold", service)}    ${several(instances.length, "instance")}\n`;
  return head + table(instances.map((each) => rowOf(each, terminal)));
}

function rowOf({ id, state, lane, contracts, addresses }: Instance, terminal: Terminal): string[] {
  const told = state === "ready" ? state : styled(terminal, "yellow", state);
  return [`  ${id}`, told, lane ?? "", contracts.join(" "), addresses.join(" ")];
}
