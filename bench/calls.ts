import { cases } from "./case.ts";
import { callsReport } from "./calls-report.ts";
import { idleBytes } from "./idle.ts";
import { Pair } from "./pair.ts";
import { callsPeers } from "./peers.ts";
import { profiled, withFolder, type Bench, type BenchOptions } from "./report.ts";
import { endAll, measureRounds, type Row } from "./rounds.ts";

/** How long each peer warms up in each case: the slower ones need more time until their code is optimised. */
const warmSeconds = 2;

/** The memory of idle connections is measured in so many servers, one after the other. */
const idleServers = 3;

/** Calls, streams and idle connections, Trunkline beside its peers. */
export const calls: Bench = (options) =>
  withFolder(async (folder) => {
    const rows = await measureAll(options, folder);
    const idle = options.only.length > 0 ? [] : await measureIdle(options, folder);
    return callsReport(rows, idle);
  });

async function measureAll(options: BenchOptions, folder: string): Promise<Row[]> {
  const { only } = options;
  const pairs: Pair[] = [];
  for (const peer of callsPeers.filter(({ name }) => only.length === 0 || only.includes(name))) {
    pairs.push(await Pair.start(peer, folder, profiled(options, peer.name)));
  }
  const groups = cases.map((of) =>
    pairs
      .filter(({ peer }) => !("flow" in of) || peer.flows.includes(of.flow))
      .map((pair) => ({ of, pair })),
  );
  const rows = await measureRounds(groups, warmSeconds, options);
  await endAll(pairs);
  return rows;
}

async function measureIdle(options: BenchOptions, folder: string): Promise<number[]> {
  const bytes: number[] = [];
  for (let server = 1; server <= (options.quick ? 1 : idleServers); server++) {
    options.progress(`idle connections: server ${server}`);
    bytes.push(await idleBytes(folder, options.quick ? 250 : 1_000));
  }
  return bytes;
}
