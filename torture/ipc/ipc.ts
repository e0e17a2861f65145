import { enableCompileCache } from "node:module";
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { parseAddress } from "../../src/transport/address.ts";
import { realEnv } from "../../src/base/real-env.ts";
import { seededRandom } from "../../src/base/random.ts";
import { addonProblem } from "../../src/os/addon.ts";
import { unix } from "../../src/transport/unix/index.ts";
import { noReport, talliesOf, type TortureReport } from "../report.ts";
import { strikeCaller, strikeServer } from "./calls/calls.ts";
import { grownOf, holdings } from "./leaks.ts";
import { loanPoints, points, type Act, type Point } from "./points.ts";
import { Strike, type Struck } from "./strike.ts";
import { addressOf, type VictimTerms } from "./victim-terms.ts";

export interface IpcTerms {
  readonly kills: number;
  readonly seed: number;
  readonly progress: (text: string) => void;
}

/** Victims at once: each is short-lived, and its start is what it costs. */
const sideBySide = 2 * availableParallelism();
/** Of the strikes, so many come from outside at random; and of those at a point, so many are stood still and let go on. */
const outside = 0.15;
const still = 0.15;
/** Rounds at a point beyond the kills asked for, where it was not come to, before that is told. */
const missesMax = 20;
/** Of the kills, so many are of a process that serves calls and streams, and so many of one that asks for them: their start takes longer. */
const ofServers = 0.06;
const ofCallers = 0.06;
/** Of these, so many at a point of memory that is lent. */
const ofLoans = 0.5;
/** Who serves says no yes, and neither ends anything of itself. */
const notOfServers: ReadonlySet<Act> = new Set(["byte sent", "end stored"]);
const notOfCallers: ReadonlySet<Act> = new Set(["end stored"]);

/** The how many-th time at most: what comes once for each connection, and what comes all the time. */
const nthMax: Partial<Record<Act, number>> = {
  "ring written": 60,
  "half of it written": 60,
  "tail stored": 60,
  "bell rung": 20,
  "ring read": 60,
  "head stored": 40,
  "sleep stored": 20,
  "wait stored": 2,
  "memory mapped": 6,
  "byte received": 4,
  "descriptor closed": 6,
  "memory let go of": 6,
  "word said": 1,
  "loan made": 30,
  "loan taken back": 30,
  "loan sealed": 30,
  "loan sent": 30,
  "loan taken": 30,
  "loan mapped": 30,
};

/** Processes that share memory with this one by connections that have moved are killed at each point of it. */
export async function tortureIpc(terms: IpcTerms): Promise<TortureReport> {
  const problem = addonProblem();
  if (problem !== undefined) return { ...noReport, ok: false, told: [problem] };
  const folder = mkdtempSync(join(tmpdir(), "trunkline-torture-"));
  try {
    return await new IpcTorture(terms, folder).run();
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

class IpcTorture {
  readonly #terms: IpcTerms;
  readonly #folder: string;
  readonly #random: () => number;
  readonly #strikes = new Map<number, Strike>();
  readonly #hits = new Map<string, number>();
  readonly #told: string[] = [];
  #victims = 0;
  #sum = {
    kills: 0,
    stood: 0,
    lost: 0,
    doubled: 0,
    hung: 0,
    moved: 0,
    misses: 0,
    requests: 0,
    servers: 0,
    callers: 0,
  };

  constructor(terms: IpcTerms, folder: string) {
    this.#terms = terms;
    this.#folder = folder;
    this.#random = seededRandom(terms.seed, "ipc");
    mkdirSync(join(folder, "sockets"));
    mkdirSync(join(folder, "journals"));
  }

  async run(): Promise<TortureReport> {
    const { kills, seed, progress } = this.#terms;
    process.env["NODE_COMPILE_CACHE"] ??= enableCompileCache().directory;
    const before = await holdings();
    const env = realEnv();
    const transport = unix({ shm: { ringBytes: 65_536 } });
    const sockets = join(this.#folder, "sockets");
    const met = (victim: number): Strike => this.#strikes.get(victim)!;
    const stranger = new Strike(this.#termsOf(undefined), this.#random);
    const listener = await transport.listen(
      parseAddress(addressOf({ folder: sockets, socket: "survivor" })),
      (connection) => stranger.begin(connection, false, met),
      {},
      env,
    );
    const line = async (index: number): Promise<void> => {
      while (this.#sum.kills < kills && this.#told.length === 0) {
        const drawn = this.#random();
        if (drawn < ofServers + ofCallers) {
          await this.#strikeCalls(drawn < ofServers);
          continue;
        }
        const victim = this.#termsOf(this.#next(), index);
        const strike = new Strike(victim, this.#random);
        this.#strikes.set(victim.victim, strike);
        this.#count(victim, await strike.run(transport, met));
        this.#strikes.delete(victim.victim);
        progress(`${this.#sum.kills} killed, ${this.#sum.stood} stood still`);
      }
    };
    await Promise.all(Array.from({ length: sideBySide }, (_, index) => line(index)));
    await listener.close();
    this.#sum.hung += await stranger.late();
    const left = await this.#socketsLeft(sockets);
    if (left.length > 0) this.#told.push(`socket files are left: ${left.join(", ")}`);
    const grown = grownOf(before, await holdings());
    if (grown !== undefined)
      this.#told.push(`the survivor has kept what was the dead ones': ${grown}`);
    const { lost, doubled, hung, moved, stood, requests, servers, callers } = this.#sum;
    const ok = this.#told.length === 0 && lost + doubled + hung === 0;
    const report = { ok, kills: this.#sum.kills, lost, doubled, reordered: 0, stuck: 0, hung };
    const first = `${report.kills} kills and ${stood} that stood still at ${this.#hits.size} of ${points.length} points, ${moved} connections had moved; among them ${servers} servers and ${callers} callers, with ${requests} requests (seed ${seed}): ${talliesOf(report)}`;
    return { ...report, told: [first, ...this.#missed(), ...this.#told] };
  }

  /** One that serves calls and streams, or asks for them, at a point that all of them come to. */
  async #strikeCalls(ofServer: boolean): Promise<void> {
    const not = ofServer ? notOfServers : notOfCallers;
    const lends = this.#random() < ofLoans;
    const coming = lends ? loanPoints : points.filter(({ act }) => !not.has(act));
    const point = coming[Math.floor(this.#random() * coming.length)]!;
    const nth = 1 + Math.floor(this.#random() * (nthMax[point.act] ?? 1));
    const folder = join(this.#folder, "journals");
    const strike = ofServer ? strikeServer : strikeCaller;
    const struck = await strike({ folder, victim: ++this.#victims, point, nth });
    const where = `${ofServer ? "a server" : "a caller"}, killed ${nameOf(point)}, ${nth}`;
    if (struck.killed) this.#sum.kills++;
    this.#sum[ofServer ? "servers" : "callers"]++;
    this.#sum.requests += struck.requests;
    this.#sum.hung += struck.late.length;
    this.#told.push(...[...struck.untrue, ...struck.late].map((text) => `${where}: ${text}`));
  }

  /** Those points first that were hit least. */
  #next(): Point | undefined {
    if (this.#random() < outside) return undefined;
    const hits = (point: Point): number => this.#hits.get(nameOf(point)) ?? 0;
    const least = Math.min(...points.map(hits));
    const fewest = points.filter((point) => hits(point) <= least + 1);
    return fewest[Math.floor(this.#random() * fewest.length)];
  }

  #termsOf(point: Point | undefined, line = 0): VictimTerms {
    const victim = ++this.#victims;
    // Only who dials says yes.
    const dials = point?.act === "byte sent" || this.#random() < 0.5;
    const folder = join(this.#folder, "sockets");
    return {
      ...{ victim, seed: this.#terms.seed, dials, folder, point },
      socket: dials ? "survivor" : `victim-${line}`,
      journal: join(this.#folder, "journals", String(victim)),
      nth: 1 + Math.floor(this.#random() * (nthMax[point?.act ?? "held"] ?? 2)),
      deed: point !== undefined && this.#random() < still ? "stop" : "kill",
    };
  }

  #count({ victim, point, deed, nth, dials, journal }: VictimTerms, struck: Struck): void {
    rmSync(journal, { force: true });
    const sum = this.#sum;
    if (struck.how === "killed") sum.kills++;
    else if (struck.how === "stood still") sum.stood++;
    else if (struck.how === "missed") sum.misses++;
    if (point !== undefined && struck.how !== "missed") {
      const name = nameOf(point);
      this.#hits.set(name, (this.#hits.get(name) ?? 0) + 1);
    } else if (point !== undefined && sum.misses > missesMax + this.#victims / 2)
      this.#told.push(`too many points are never come to: ${nameOf(point)}`);
    sum.lost += struck.lost;
    sum.doubled += struck.doubled;
    sum.hung += struck.late;
    sum.moved += struck.moved;
    const where = `victim ${victim}, which ${dials ? "dials" : "listens"}, ${deed} ${point === undefined ? "from outside" : `${nameOf(point)}, ${nth}`}`;
    for (const text of struck.told) this.#told.push(`${where}: ${text}`);
    if (struck.lost > 0) this.#told.push(`${where}: ${struck.lost} lost`);
  }

  #missed(): string[] {
    const missed = points.map(nameOf).filter((name) => !this.#hits.has(name));
    return missed.length === 0 ? [] : [`never come to: ${missed.join(", ")}`];
  }

  /** A dead listener's file is taken over by the next one there, which leaves nothing. */
  async #socketsLeft(folder: string): Promise<string[]> {
    for (let line = 0; line < sideBySide; line++) {
      const address = parseAddress(addressOf({ folder, socket: `victim-${line}` }));
      const listener = await unix().listen(address, () => {}, {}, realEnv());
      await listener.close();
    }
    return readdirSync(folder);
  }
}

function nameOf({ when, act }: Point): string {
  return `${when} ${act}`;
}
