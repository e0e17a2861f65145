import type { AnyContract } from "../contract/contract.ts";
import { UsageError, type Command } from "./command.ts";
import { untilStopped } from "./gateway.ts";
import { listeningOf, listeningOptions } from "./listening.ts";

/** Runs a router: discovery and balancing for callers that know one address. */
export const router: Command = {
  name: "router",
  summary: "run a process in the middle that finds instances",
  usage: "SERVICE… --listen ADDRESS",
  about: `Callers know the router's address and nothing else; it finds the instances
of each SERVICE by discovery and hands requests on, with the endpoints, the
balancer and the gates that clients have. What a service offers is learned
from one of its instances, or from --contracts.`,
  options: {
    ...listeningOptions,
    discovery: {
      value: "ADDRESS",
      about: "where instances are found; default: as clients do",
    },
    contracts: {
      value: "MODULE",
      multiple: true,
      about: "a module, a JSON of descriptions, or an address",
    },
    deadline: { value: "DURATION", about: "how long an answer may take to begin" },
  },
  words: [],
  examples: [
    "router orders --listen unix:./run/router.sock",
    "router orders users --discovery etcd://10.0.0.5:2379 --listen http://127.0.0.1:8080",
    "router --contracts ./orders.contract.ts --listen grpc://127.0.0.1:9090",
  ],
  async run(line) {
    const { terminal } = line;
    const made = await import("../gateway/index.ts");
    const discovery = line.text("discovery");
    const deadline = line.durationMs("deadline");
    const listening = listeningOf(line);
    const modules = line.texts("contracts");
    const services: string[] = [];
    for (let index = 0; line.optionalWord(index) !== undefined; index++)
      services.push(line.optionalWord(index)!);
    if (services.length === 0 && modules.length === 0)
      throw new UsageError("name a SERVICE, or --contracts MODULE: what is handed on?");
    const contracts: AnyContract[] = [];
    for (const text of modules) contracts.push(...(await made.learnContracts(text, ".")).contracts);
    for (const service of services)
      contracts.push(...(await made.learnService(service, discovery, terminal.env)));
    await using running = await made.router({
      ...listening,
      listen: listening.listen!,
      contracts,
      env: terminal.env,
      ...(discovery === undefined ? {} : { discovery }),
      ...(deadline === undefined ? {} : { deadline }),
    });
    return await untilStopped(line, running);
  },
};
