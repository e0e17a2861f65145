import type { LatencySummary } from "../base/histogram.ts";
import { isStreaming, kinds } from "../contract/kinds.ts";
import { UsageError, type Command, type Line } from "./command.ts";
import { deadlineOf, deadlineOption } from "./deadline.ts";
import { exitCodeOf, exitCodes } from "./exit-code.ts";
import { inputOf, takesItems, valueOf } from "./input.ts";
import { Load, rates } from "./load.ts";
import {
  describeRemote,
  findOperation,
  methodOf,
  operationName,
  type RemoteOperation,
  type RemoteOptions,
} from "./remote.ts";
import { fitting } from "./table.ts";
import { printJson } from "./terminal.ts";
import { count, exact, latency } from "./units.ts";

/** Asks one operation again and again, many times at once. */
export const bench: Command = {
  name: "bench",
  summary: "load an operation, and measure",
  usage: "ADDRESS SERVICE.OPERATION [JSON | -]",
  about: `JSON is the input; - reads it from standard input. An upload or duplex has its
head there, if any, and sends --item as often as --items says. Where items flow,
a request lasts to its last item; those that outlast the time are given up.`,
  options: {
    "in-flight": { value: "N", about: "how many requests are under way at once; default 64" },
    seconds: { value: "S", about: "how long; default 10" },
    item: { value: "JSON", about: "upload, duplex: what to send; - for standard input" },
    items: { value: "N", about: "upload, duplex: how often in each request; default 1" },
    ...deadlineOption,
  },
  examples: [
    `bench unix:./run/orders.sock orders.get '"o-18"' --in-flight 64 --seconds 10`,
    `bench unix:./run/files.sock files.store '{"name":"a.txt"}' --item - --items 100 < chunk`,
  ],
  async run(line) {
    const address = line.word(0, "ADDRESS");
    const path = line.word(1, "SERVICE.OPERATION");
    line.atMost(3);
    const inFlight = line.number("in-flight", 64);
    const seconds = line.number("seconds", 10);
    const remote = findOperation(await describeRemote(address, deadlineOf(line)), path);
    const copies = takesItems(remote) ? await copiesOf(line, remote) : refuseItems(line, remote);
    const first = await inputOf(line, 2, remote);
    await using method = methodOf(remote, address, {
      outstandingMax: Math.max(inFlight, 4_096),
    });
    const load = new Load(remote.description.kind, line.terminal, seconds * 1_000);
    const options: RemoteOptions = { ...deadlineOf(line), signal: load.signal };
    const many = kinds[remote.description.kind].answers === "many";
    await load.run(inFlight, () => {
      const input = copies === undefined ? first : load.sent(copies());
      const given = copies === undefined ? options : { ...options, head: first };
      return many ? load.drained(method.many(input, given)) : method.once(input, given);
    });
    return await report(load, line);
  },
};

/** Makes the items of one request: the same one, again and again. */
async function copiesOf(
  line: Line,
  remote: RemoteOperation,
): Promise<() => Generator<unknown, void>> {
  const word = line.text("item");
  if (word === undefined) {
    const { kind } = remote.description;
    throw new UsageError(
      `${operationName(remote)} takes items, as every ${kind} does: say with --item what to send`,
    );
  }
  const item = await valueOf(word, remote.description.in, "item", line.terminal);
  const times = line.number("items", 1);
  return function* copies() {
    for (let copy = 0; copy < times; copy++) yield item;
  };
}

function refuseItems(line: Line, remote: RemoteOperation): undefined {
  const name = ["item", "items"].find((each) => line.text(each) !== undefined);
  if (name === undefined) return undefined;
  const { kind } = remote.description;
  throw new UsageError(
    `${operationName(remote)} is a ${kind} and takes no items: leave out --${name}`,
  );
}

async function report(load: Load, { terminal, json }: Line): Promise<number> {
  const { kind, latencies, perSecond, elapsedMs, failures, firstFailure, cut } = load;
  const told: LatencySummary = latencies.summary();
  const interrupted = terminal.interrupted.aborted;
  const failureCode = firstFailure === undefined ? exitCodes.ok : exitCodeOf(firstFailure);
  const code = interrupted ? exitCodes.interrupted : failureCode;
  if (json) {
    const { items, itemsPerSecond } = load;
    const ofItems = { items, itemsPerSecond: Math.round(itemsPerSecond), cut };
    await printJson(terminal, {
      ok: code === exitCodes.ok,
      ...(code === exitCodes.ok ? {} : { exitCode: code }),
      count: latencies.count,
      durationMs: exact(elapsedMs),
      perSecond: Math.round(perSecond),
      ...(isStreaming(kind) ? ofItems : {}),
      latency: told,
      failures: Object.fromEntries(failures),
    });
    return code;
  }
  const { meanMs, p50Ms, p90Ms, p99Ms, maxMs } = told;
  const parts = { mean: meanMs, p50: p50Ms, p90: p90Ms, p99: p99Ms, max: maxMs };
  const figures = Object.entries(parts).map(([name, ms]) => `${name} ${latency(ms)}`);
  if (latencies.count === 0) figures.splice(0, Infinity, "none was over");
  const done = `${count(latencies.count)} in ${latency(elapsedMs)}   ${rates(load)}`;
  const parted = ["   ", "\n"].map((between) => `${done}${between}${figures.join("  ")}\n`);
  await terminal.print(fitting(parted, terminal));
  if (cut > 0) await terminal.print(`${count(cut)} given up at the end\n`);
  for (const [failed, times] of failures) await terminal.print(`${failed} ${count(times)}\n`);
  if (firstFailure instanceof Error) terminal.tell(`the first: ${firstFailure.message}\n`);
  return code;
}
