import { join } from "node:path";
import { serve } from "../../../call/serve.ts";
import { chassis, type Chassis } from "../../../chassis/chassis.ts";
import { Echo, itemAt, Usage } from "./contract.ts";
import type { Mechanism } from "./mechanisms.ts";
import type { SideTerms } from "./measured.ts";
import { pingsHeard, pingsTo } from "./pinging.ts";
import { posting } from "./posting.ts";
import { forOthers } from "./programs.ts";

/** Room for the largest message and what stands around it. */
export const itemBytesMax: number = 2 * 1024 * 1024;

/** Where a process in which the other side is says what it has used: beside what is measured. */
export function controlAddress(folder: string): string {
  return `unix:${join(folder, "control")}`;
}

/** The other side, once it is there. */
export interface Side extends Pick<Chassis, "stop" | "stopped"> {
  /** Where it is asked. */
  readonly address: string;
}

/** The other side: gives bytes back, sends items, answers pings; the same for every mechanism. */
export async function serveSide(mechanism: Mechanism, terms: SideTerms): Promise<Side> {
  const { posts, listen } = mechanism;
  if (posts === undefined) return serveAsked(mechanism, terms);
  const address = listen(terms.folder);
  const side = await posting(address, posts, false, (data, send) => send(data));
  return { address, ...side };
}

async function serveAsked(mechanism: Mechanism, terms: SideTerms): Promise<Side> {
  const { folder, back } = terms;
  const transports = mechanism.serving?.(folder) ?? [];
  const pings =
    back === undefined
      ? []
      : [pingsHeard(pingsTo(back, mechanism.ping ?? "bytes", mechanism.asking?.(terms) ?? []))];
  const echoing = serve(Echo, {
    echo: async (given) => given,
    async *items({ count }) {
      for (let index = 0; index < count; index++) yield itemAt(index);
    },
  });
  const app = await chassis({
    name: "doctor-side",
    listen: mechanism.listen(folder),
    serve: [...(mechanism.oneWay ? [] : [echoing]), ...pings],
    transports,
    itemBytesMax,
    checkSent: false,
    signals: false,
  });
  return { address: forOthers(app.addresses[0]!), stop: () => app.stop(), stopped: app.stopped };
}

/** What the process has used of the processor, for whoever asks at the control address. */
export function serveUsage(folder: string, cpuUs: () => number): Promise<Chassis> {
  return chassis({
    name: "doctor-usage",
    listen: controlAddress(folder),
    serve: [serve(Usage, { cpuUs: async () => cpuUs() })],
    signals: false,
  });
}
