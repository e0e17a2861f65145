import { measureFormats } from "./formats.ts";
import { Pair } from "./pair.ts";
import { rivals } from "./peers.ts";
import { protocolsReport } from "./protocols-report.ts";
import { profiled, withFolder, type Bench } from "./report.ts";
import { endAll, measureRounds, type Row } from "./rounds.ts";

/** How long each peer warms up in each case. */
const warmSeconds = 1.5;

/** What speaks with the outside world, side by side with what others use for it. */
export const protocols: Bench = (options) =>
  withFolder(async (folder) => {
    const { only } = options;
    const wanted = (name: string): boolean =>
      only.length === 0 || only.some((part) => name.includes(part));
    const rows: Row[] = [];
    for (const { name, peers, of } of rivals) {
      if (!wanted(name)) continue;
      const pairs: Pair[] = [];
      for (const peer of peers)
        pairs.push(await Pair.start(peer, folder, profiled(options, peer.name)));
      const groups = of.map((each) => pairs.map((pair) => ({ of: each, pair })));
      rows.push(...(await measureRounds(groups, warmSeconds, options)));
      await endAll(pairs);
    }
    const formats = wanted("formats") ? measureFormats({ ...options, only: [] }) : undefined;
    return protocolsReport(rows, formats);
  });
