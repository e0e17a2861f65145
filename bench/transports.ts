import { cases, many, sendingCases, type Case } from "./case.ts";
import { openIdle } from "./idle.ts";
import { Pair } from "./pair.ts";
import { idlePeers, servicesPeers, spreadPeers, transports as all, type Listed } from "./peers.ts";
import { profiled, withFolder, type Bench, type BenchOptions } from "./report.ts";
import { endAll, measureRounds, type Row, type Slot } from "./rounds.ts";
import { transportsReport } from "./transports-report.ts";

/** How long each peer warms up in each case. */
const warmSeconds = 1;

const idleConnections = 1_000;

/** The cases in which transports stand side by side: small orders, and all that flows. */
const compared = cases.filter((each) => each.ask !== "calls" || each.size === "64 B");

/** The transports side by side, each beside what carries it; and whether services and connections cost anything. */
export const transports: Bench = (options) =>
  withFolder(async (folder) => {
    const { only } = options;
    const wanted = (part: string): boolean => only.length === 0 || only.includes(part);
    const chosen = all.filter(({ name }) => wanted(name));
    const peers = chosen.map(({ ours, bare }) => [ours, ...(bare === undefined ? [] : [bare])]);
    const ours = chosen.map((each) => [each.ours]);
    return transportsReport({
      transports: await measurePeers(peers, compared, folder, options),
      sending: await measurePeers(ours, sendingCases, folder, options),
      services: await measurePeers(
        wanted("services") ? [servicesPeers] : [],
        [many],
        folder,
        options,
      ),
      idle: wanted("idle") ? await measureIdle(folder, options) : [],
      spread: await measurePeers(wanted("spread") ? [spreadPeers] : [], [many], folder, options),
    });
  });

/** Each group of peers in each case, right after one another; all processes live until the last round. */
async function measurePeers(
  groups: readonly (readonly Listed[])[],
  of: readonly Case[],
  folder: string,
  options: BenchOptions,
): Promise<Row[]> {
  const pairs: Pair[][] = [];
  for (const group of groups) {
    const started: Pair[] = [];
    for (const peer of group)
      started.push(await Pair.start(peer, folder, profiled(options, peer.name)));
    pairs.push(started);
  }
  const slots = of.flatMap((each) => pairs.map((group) => slotsOf(group, each)));
  const rows = await measureRounds(slots, warmSeconds, options);
  await endAll(pairs.flat());
  return rows;
}

function slotsOf(pairs: readonly Pair[], of: Case): Slot[] {
  return pairs
    .filter(({ peer }) => !("flow" in of) || peer.flows.includes(of.flow))
    .map((pair) => ({ of, pair }));
}

/** Two servers alike: at one of them connections idle. */
async function measureIdle(folder: string, options: BenchOptions): Promise<Row[]> {
  const [alone, beside] = [
    await Pair.start(idlePeers[0], folder),
    await Pair.start(idlePeers[1], folder),
  ];
  options.progress(`opening ${idleConnections} connections`);
  const idle = await openIdle(beside.place, options.quick ? 50 : idleConnections);
  const rows = await measureRounds([slotsOf([alone, beside], many)], warmSeconds, options);
  for (const each of idle) await each.end();
  await endAll([alone, beside]);
  return rows;
}
