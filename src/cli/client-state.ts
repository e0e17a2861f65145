import type { ClientState, EndpointState } from "../chassis/client-state.ts";
import type { Command } from "./command.ts";
import { deadlineOf, deadlineOption } from "./deadline.ts";
import { exitCodes } from "./exit-code.ts";
import { reflectionAt, withAdvice } from "./remote.ts";
import { fitting, table, type Cell } from "./table.ts";
import { printJson, styled, type Terminal } from "./terminal.ts";
import { count, latency } from "./units.ts";

/** Shows what the clients inside a process know of those whom they call. */
export const clientState: Command = {
  name: "client-state",
  summary: "what the clients of a process know of each endpoint",
  usage: "ADDRESS",
  options: deadlineOption,
  examples: ["client-state unix:./run/orders.sock", "client-state unix:./run/orders.sock --json"],
  async run(line) {
    await using reflection = reflectionAt(line.word(0, "ADDRESS"));
    line.atMost(1);
    const clients = await withAdvice(reflection.clients(undefined, deadlineOf(line)));
    const { terminal } = line;
    if (line.json) await printJson(terminal, { ok: true, clients });
    else if (clients.length === 0) await terminal.print("it calls nobody\n");
    else await terminal.print(clients.map((each) => shown(each, terminal)).join("\n"));
    return exitCodes.ok;
  },
};

function shown(client: ClientState, terminal: Terminal): string {
  const { endpoint, state, lanes, retriesLeft, endpoints } = client;
  const busy = Object.entries(lanes).map(([lane, calls]) => `${count(calls)} in lane ${lane}`);
  const facts = [...busy, `${count(retriesLeft)} retries left`].join(" · ");
  const title = `${styled(terminal, "bold", endpoint)}    ${state}    ${facts}\n`;
  if (endpoints.length === 0) return `${title}  no endpoint is known\n`;
  return title + fitting(layouts(endpoints), terminal);
}

interface Column {
  readonly title: string;
  readonly cell: (endpoint: EndpointState) => Cell;
}

const columns: readonly Column[] = [
  { title: "endpoint", cell: ({ id }) => `  ${id}` },
  { title: "address", cell: ({ id, address }) => (address === id ? "" : address) },
  { title: "state", cell: stateOf },
  { title: "way", cell: ({ way = "" }) => way },
  { title: "lane", cell: ({ lane }) => lane ?? "" },
  { title: "breaker", cell: ({ breaker }) => (breaker === "halfOpen" ? "half open" : breaker) },
  { title: "in flight", cell: ({ inFlight }) => ({ right: count(inFlight) }) },
  { title: "limit", cell: ({ limit }) => ({ right: limit === undefined ? "" : count(limit) }) },
  { title: "takes", cell: ({ ewmaMs }) => ({ right: latency(ewmaMs) }) },
  { title: "asked", cell: ({ begun }) => ({ right: count(begun) }) },
  { title: "failed", cell: ({ failed }) => ({ right: count(failed) }) },
];

function stateOf({ state, ejected, draining }: EndpointState): string {
  if (draining) return "draining";
  return ejected ? "ejected" : state;
}

/** From all columns to those that nobody can do without. */
function* layouts(endpoints: readonly EndpointState[]): Generator<string, void> {
  for (const without of [[], ["address"], ["address", "lane", "limit", "way"]]) {
    const used = columns.filter(({ title }) => !without.includes(title));
    const titles = used.map(({ title }, index): Cell => {
      if (index === 0) return `  ${title}`;
      return typeof used[index]!.cell(endpoints[0]!) === "string" ? title : { right: title };
    });
    yield table([titles, ...endpoints.map((each) => used.map(({ cell }) => cell(each)))]);
  }
}
