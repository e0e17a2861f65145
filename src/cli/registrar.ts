import {
  docker,
  listed,
  registrar as makeRegistrar,
  type RegistrarEvent,
} from "../registrar/index.ts";
import { UsageError, type Command, type Line } from "./command.ts";
import { discoveryAt, defaultDiscovery } from "../chassis/registries.ts";
import { isTrunklineError } from "../base/error.ts";
import { exitCodes } from "./exit-code.ts";
import { onStop } from "./listening.ts";
import { aborted, printJson, styled, type Style } from "./terminal.ts";
import { age, several } from "./units.ts";

const styles: Partial<Readonly<Record<RegistrarEvent["what"], Style>>> = {
  registered: "green",
  held: "green",
  draining: "yellow",
  out: "red",
  lost: "red",
  failed: "red",
  problem: "yellow",
};

/** Registers what does not register itself, until it is told to stop. */
export const registrar: Command = {
  name: "registrar",
  summary: "register what does not register itself",
  usage: "[FILE] [--docker] [--discovery ADDRESS]",
  about: `Looks whether each works (every 5 s; three bad looks take it out, two good
ones bring it back) and registers it for as long as it does. FILE is JSON:
  { "instances": [{ "id": "orders-1", "contracts": ["orders@1"],
      "addresses": ["unix:/run/orders.sock"], "check": "contract",
      "pid": 4711 or "command": ["node", "orders.ts"] }] }
What has a command is started and kept running. "check": contract, tcp, none.
Containers need the labels trunkline.contracts and trunkline.port. Kubernetes
registers its pods itself: use --discovery kubernetes: in clients.
Several may run side by side: when one dies, another goes on.`,
  options: {
    discovery: {
      value: "ADDRESS",
      about: "the registry: etcd://host:2379, consul://…, directory:",
    },
    docker: { about: "register the containers of Docker" },
    socket: { value: "PATH", about: "of Docker's API; default /var/run/docker.sock" },
    published: { about: "reach containers by their published ports" },
    ttl: { value: "TIME", about: "how long they stay when nobody renews; default 10s" },
    check: { value: "TIME", about: "how often each is looked at; default 5s" },
  },
  examples: [
    "registrar services.json",
    "registrar services.json --discovery etcd://10.0.0.1:2379",
    "registrar --docker --published --discovery consul://127.0.0.1:8500",
  ],
  async run(line) {
    line.atMost(1);
    const file = line.optionalWord(0);
    const sources = [
      ...(file === undefined ? [] : [listed(file)]),
      ...(line.on("docker") ? [docker(dockerOptions(line))] : []),
    ];
    if (sources.length === 0) throw new UsageError("name a FILE, or --docker, or both");
    const { terminal } = line;
    const { env } = terminal;
    const where = line.text("discovery") ?? defaultDiscovery();
    const begunAt = env.now();
    await using discovery = opened(where);
    const ttl = line.durationMs("ttl");
    const check = line.durationMs("check");
    let printing: Promise<void> = Promise.resolve();
    await using running = makeRegistrar({
      discovery,
      sources,
      ...(ttl === undefined ? {} : { ttl }),
      ...(check === undefined ? {} : { check }),
      onEvent(event) {
        const sinceMs = env.now() - begunAt;
        printing = printing.then(() => tell(event, sinceMs, line));
      },
      env,
    });
    if (line.json) await printJson(terminal, { registrar: where });
    else await terminal.print(`registrar at ${where}\n`);
    const asked = Promise.withResolvers<undefined>();
    const unlisten = onStop(line, () => asked.resolve(undefined));
    await Promise.race([asked.promise, aborted(terminal.interrupted)]);
    const { size } = running.targets;
    await running.close();
    unlisten();
    await printing;
    if (line.json) await printJson(terminal, { ok: true, targets: size });
    else await terminal.print(`stopped, ${several(size, "target")}\n`);
    return exitCodes.ok;
  },
};

function tell(event: RegistrarEvent, sinceMs: number, { terminal, json }: Line): Promise<void> {
  if (json) return printJson(terminal, event);
  const { id, what, reason } = event;
  const style = styles[what];
  const shown = style === undefined ? what : styled(terminal, style, what);
  const why = reason === undefined ? "" : `: ${reason}`;
  return terminal.print(`${`+${age(sinceMs)}`.padEnd(12)}${id} ${shown}${why}\n`);
}

function dockerOptions(line: Line): Parameters<typeof docker>[0] {
  const socket = line.text("socket");
  return {
    ...(socket === undefined ? {} : { socket }),
    ...(line.on("published") ? { reach: "published" } : {}),
  };
}

/** A wrong address is a mistake of the command line. */
function opened(where: string): ReturnType<typeof discoveryAt> {
  try {
    return discoveryAt(where);
  } catch (error) {
    if (!isTrunklineError(error)) throw error;
    throw new UsageError([error.reason, error.advice ?? []].flat().join("; "));
  }
}
