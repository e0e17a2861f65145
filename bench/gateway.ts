// `npm run bench -- gateway`: the same load direct, and with somebody in the middle.
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { envoyWith } from "../scripts/servers/envoy.ts";
import { nginxWith } from "../scripts/servers/nginx.ts";
import { programOf, start as startServer, stop, type Server } from "../scripts/servers/server.ts";
import { start, type Child } from "./child.ts";
import type { Answered, Question } from "./gateway/asker.ts";
import { machine, profiled, table, whole, withFolder, type Bench, type Report } from "./report.ts";
import { spreadOf, type Spread } from "./spread.ts";

/** Somebody in the middle, or nobody. */
interface Middle {
  readonly name: string;
  /** What it is compared with: those that are asked in the same way, `direct` above all. */
  readonly group: "HTTP" | "Trunkline's wire";
  readonly at: string;
  /** What it has used of the processor, in microseconds. */
  cpuUs(): Promise<number>;
  end(): Promise<void>;
}

interface Sample extends Answered {
  readonly cpuUsEach: number;
}

interface Line {
  readonly case: string;
  readonly peer: string;
  readonly rate: Spread;
  /** Of who stands in the middle, for one request. */
  readonly middleCpuUs: Spread;
  readonly p50Us: Spread;
  readonly p99Us: Spread;
}

const loads = [1, 64] as const;
/** How long each warms up. */
const warmSeconds = 1;
/** `sysconf(_SC_CLK_TCK)`, which is 100 wherever Linux runs. */
const ticksEachSecond = 100;

const [nginxPort, envoyPort, envoyAdmin] = [28_120, 28_121, 28_122] as const;

export const gateway: Bench = (options) =>
  withFolder(async (folder) => {
    const { rounds, seconds, quick } = options;
    const backend = await start<object, number>("gateway/backend.ts", [folder]);
    const asker = await start<Question, Answered>("gateway/asker.ts", []);
    const places = JSON.parse(backend.about) as { readonly unix: string; readonly http: string };
    const middles = await begun(backend.about, places, folder, options);
    const samples = new Map<string, Sample[]>();
    try {
      for (let round = quick ? 1 : 0; round <= rounds; round++) {
        for (const inFlight of loads) {
          for (let place = 0; place < middles.length; place++) {
            const middle = middles[(round + place) % middles.length]!;
            options.progress(`round ${round} of ${rounds}: ${inFlight} in flight, ${middle.name}`);
            const asked = { at: middle.at, inFlight, seconds: round === 0 ? warmSeconds : seconds };
            const before = await middle.cpuUs();
            const answer = await asker.ask(asked);
            const cpuUsEach = ((await middle.cpuUs()) - before) / answer.count;
            if (round === 0) continue;
            const key = keyOf(inFlight, middle.name);
            samples.set(key, [...(samples.get(key) ?? []), { ...answer, cpuUsEach }]);
          }
        }
      }
    } finally {
      for (const middle of middles) await middle.end();
      await Promise.allSettled([asker.end(), backend.end()]);
    }
    return reported(middles, samples);
  });

function keyOf(inFlight: number, name: string): string {
  return `${inFlight} ${name}`;
}

async function begun(
  backend: string,
  { unix, http }: { readonly unix: string; readonly http: string },
  folder: string,
  options: Parameters<Bench>[0],
): Promise<Middle[]> {
  const own = async (what: string, group: Middle["group"]): Promise<Middle> => {
    const nodeOptions = profiled(options, `trunkline ${what}`);
    const child: Child<object, number> = await start(
      "gateway/middle.ts",
      [what, backend, folder],
      nodeOptions,
    );
    return {
      name: what,
      group,
      at: child.about,
      cpuUs: () => child.ask({}),
      end: () => child.end(),
    };
  };
  const direct = (name: string, group: Middle["group"], at: string): Middle => {
    return { name, group, at, cpuUs: async () => 0, end: async () => {} };
  };
  const port = Number(new URL(http).port);
  const makers: readonly (readonly [name: string, make: () => Promise<Middle | undefined>])[] = [
    ["direct", async () => direct("direct", "HTTP", http)],
    ...(["gateway, plain HTTP", "gateway, REST to rsocket"] as const).map(
      (name) => [name, () => own(name, "HTTP")] as const,
    ),
    ["nginx", () => other(nginxBefore(port), folder, nginxPort)],
    ["envoy", () => other(envoyBefore(port), folder, envoyPort)],
    ["direct, rsocket", async () => direct("direct, rsocket", "Trunkline's wire", unix)],
    ["router, rsocket to rsocket", () => own("router, rsocket to rsocket", "Trunkline's wire")],
  ];
  const { only } = options;
  const middles: Middle[] = [];
  for (const [name, make] of makers) {
    const wanted = only.length === 0 || only.some((part) => name.includes(part));
    // What others are compared with is always there.
    const made = wanted || name.startsWith("direct") ? await make() : undefined;
    if (made !== undefined) middles.push(made);
  }
  return middles;
}

/** A server of somebody else, where it is installed. */
async function other(server: Server, folder: string, port: number): Promise<Middle | undefined> {
  if (programOf(server) === undefined) return undefined;
  const place = join(folder, server.name);
  await startServer(server, place);
  const pid = Number(readFileSync(join(place, "pid"), "utf8"));
  return {
    name: server.name,
    group: "HTTP",
    at: `http://127.0.0.1:${port}`,
    cpuUs: async () => cpuUsOf(pid),
    end: () => stop(place),
  };
}

/** With connections to the service that are kept, and otherwise as nginx comes. */
function nginxBefore(port: number): Server {
  return nginxWith(
    "nginx",
    nginxPort,
    `upstream orders { server 127.0.0.1:${port}; keepalive 64; }
server { listen 127.0.0.1:${nginxPort}; keepalive_requests 100000000;
location = /healthz { return 200 ok; }
location / { proxy_pass http://orders; proxy_http_version 1.1; proxy_set_header Connection ""; } }`,
  );
}

function envoyBefore(port: number): Server {
  const address = (number: number): string =>
    `{ socket_address: { address: 127.0.0.1, port_value: ${number} } }`;
  const types = "type.googleapis.com/envoy.extensions.filters";
  return envoyWith(
    "envoy",
    envoyAdmin,
    `static_resources:
  listeners:
  - address: ${address(envoyPort)}
    filter_chains:
    - filters:
      - name: envoy.filters.network.http_connection_manager
        typed_config:
          "@type": ${types}.network.http_connection_manager.v3.HttpConnectionManager
          stat_prefix: orders
          http_filters:
          - name: envoy.filters.http.router
            typed_config: { "@type": ${types}.http.router.v3.Router }
          route_config:
            virtual_hosts:
            - { name: all, domains: ["*"], routes: [{ match: { prefix: "/" }, route: { cluster: orders } }] }
  clusters:
  - name: orders
    type: STATIC
    load_assignment:
      cluster_name: orders
      endpoints: [{ lb_endpoints: [{ endpoint: { address: ${address(port)} } }] }]`,
  );
}

/** Of a process and those that it has started. */
function cpuUsOf(pid: number): number {
  const all = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  const ticks = all.map((name) => ticksOf(name, pid));
  return (ticks.reduce((sum, each) => sum + each, 0) / ticksEachSecond) * 1_000_000;
}

function ticksOf(name: string, pid: number): number {
  try {
    const text = readFileSync(`/proc/${name}/stat`, "utf8");
    // What stands before the last parenthesis is the program's name.
    const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
    if (Number(name) !== pid && Number(fields[1]) !== pid) return 0;
    return Number(fields[11]) + Number(fields[12]);
  } catch {
    return 0; // it has ended meanwhile
  }
}

function reported(
  middles: readonly Middle[],
  samples: ReadonlyMap<string, readonly Sample[]>,
): { readonly report: Report; readonly tables: string } {
  const ratios: Record<string, number> = {};
  const lines: Line[] = [];
  const tables = loads.map((inFlight) => {
    const title = `${inFlight} in flight`;
    const rows = middles.map((middle) => {
      const own = samples.get(keyOf(inFlight, middle.name))!;
      const line = lineOf(title, middle.name, own);
      lines.push(line);
      const direct = middles.find(({ group }) => group === middle.group)!;
      const ratio = ratioOf(own, samples.get(keyOf(inFlight, direct.name))!, rateOf);
      if (direct !== middle) ratios[`rate: ${middle.name} ÷ ${direct.name}, ${title}`] = ratio;
      return [
        middle.name,
        whole(line.rate.median),
        `${whole(line.rate.low)}–${whole(line.rate.high)}`,
        direct === middle ? "" : `${ratio.toPrecision(3)}×`,
        line.middleCpuUs.median.toFixed(1),
        line.p50Us.median.toFixed(0),
        line.p99Us.median.toFixed(0),
      ];
    });
    for (const ours of middles.filter(({ name }) => name.startsWith("gateway")))
      for (const theirs of middles.filter(({ name }) => name === "nginx" || name === "envoy")) {
        const [a, b] = [ours, theirs].map(({ name }) => samples.get(keyOf(inFlight, name))!);
        const what = `${ours.name} ÷ ${theirs.name}, ${title}`;
        ratios[`rate: ${what}`] = ratioOf(a!, b!, rateOf);
        ratios[`cpu: ${what}`] = ratioOf(a!, b!, ({ cpuUsEach }) => cpuUsEach);
      }
    const head = [
      title,
      "per s",
      "half of the rounds",
      "÷ direct",
      "CPU µs of the middle",
      "p50 µs",
      "p99 µs",
    ];
    return table(head, rows);
  });
  const report = { ok: true, bench: "gateway", machine: machine(), rows: lines, ratios, goals: [] };
  return { report, tables: tables.join("\n\n") };
}

function lineOf(title: string, peer: string, samples: readonly Sample[]): Line {
  const spread = (value: (sample: Sample) => number): Spread => spreadOf(samples.map(value));
  return {
    case: title,
    peer,
    rate: spread(rateOf),
    middleCpuUs: spread(({ cpuUsEach }) => cpuUsEach),
    p50Us: spread(({ p50Us }) => p50Us),
    p99Us: spread(({ p99Us }) => p99Us),
  };
}

function rateOf({ count, seconds }: Sample): number {
  return count / seconds;
}

/** Round by round: what disturbs a whole round disturbs both. */
function ratioOf(
  a: readonly Sample[],
  b: readonly Sample[],
  value: (sample: Sample) => number,
): number {
  return Number(
    spreadOf(a.map((each, round) => value(each) / value(b[round]!))).median.toPrecision(3),
  );
}
