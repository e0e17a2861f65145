import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { cases, titleOf } from "./case.ts";
import { callsReport, type Row } from "./calls-report.ts";
import { idleBytes } from "./idle.ts";
import { Pair, type Sample } from "./pair.ts";
import { peerNamed, peers } from "./peers.ts";
import type { Bench, BenchOptions } from "./report.ts";

/** How long each peer warms up in each case: the slower ones need more time until their code is optimised. */
const warmSeconds = 2;

/** The memory of idle connections is measured in so many servers, one after the other. */
const idleServers = 3;

/** Calls, streams and idle connections, Trunkline beside its peers. */
export const calls: Bench = async (options) => {
  const folder = await mkdtemp(join(tmpdir(), "bench-"));
  try {
    const rows = await measureAll(options, folder);
    const idle = options.peers.length > 0 ? [] : await measureIdle(options, folder);
    return callsReport(rows, idle);
  } finally {
    await rm(folder, { recursive: true });
  }
};

async function measureAll(options: BenchOptions, folder: string): Promise<Row[]> {
  const names = options.peers.length > 0 ? options.peers : peers.map((peer) => peer.name);
  const pairs: Pair[] = [];
  for (const name of names) {
    const profiled = options.profile !== undefined && name === "trunkline";
    const nodeOptions = profiled ? ["--cpu-prof", `--cpu-prof-dir=${options.profile}`] : [];
    pairs.push(await Pair.start(name, folder, nodeOptions));
  }
  const rows = cases.flatMap((each) =>
    pairs
      .filter(({ peer }) => each.ask === "calls" || peerNamed(peer).flows.includes(each.flow))
      .map((pair) => ({ of: each, pair, samples: [] as Sample[] })),
  );
  // Round 0 warms up and is thrown away.
  for (let round = options.quick ? 1 : 0; round <= options.rounds; round++) {
    for (const each of cases) {
      const row = rows.filter((candidate) => candidate.of === each);
      for (let place = 0; place < row.length; place++) {
        const { pair, samples } = row[(round + place) % row.length]!;
        options.progress(`round ${round} of ${options.rounds}: ${titleOf(each)}, ${pair.peer}`);
        const seconds = round > 0 ? options.seconds : Math.max(options.seconds, warmSeconds);
        const sample = await pair.measure({ ...each, seconds });
        if (round > 0) samples.push(sample);
      }
    }
  }
  for (const pair of pairs) await pair.end();
  return rows.map(({ of, pair, samples }) => ({ of, peer: pair.peer, samples }));
}

async function measureIdle(options: BenchOptions, folder: string): Promise<number[]> {
  const bytes: number[] = [];
  for (let server = 1; server <= (options.quick ? 1 : idleServers); server++) {
    options.progress(`idle connections: server ${server}`);
    bytes.push(await idleBytes(folder, options.quick ? 250 : 1_000));
  }
  return bytes;
}
