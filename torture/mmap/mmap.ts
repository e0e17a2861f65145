import { enableCompileCache } from "node:module";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { seededRandom } from "../../src/base/random.ts";
import { addonProblem } from "../../src/os/addon.ts";
import { noReport, talliesOf, type TortureReport } from "../report.ts";
import { nameOf, nthMax, points, type Point, type Role } from "./points.ts";
import { Round, type Rounded } from "./round.ts";
import { ringBytes, type VictimTerms } from "./traffic.ts";

export interface MmapTortureTerms {
  readonly kills: number;
  readonly seed: number;
  readonly progress: (text: string) => void;
}

/** Rings at once. */
const sideBySide = availableParallelism();
/** Of the victims, so many are killed from outside at random. */
const outside = 0.15;
/** Of the rounds, so many are about the making of a ring. */
const ofMakers = 0.2;

/** Processes that make a ring in a file, write into it and read from it are killed at each step. */
export async function tortureMmap(terms: MmapTortureTerms): Promise<TortureReport> {
  const problem = addonProblem();
  if (problem !== undefined) return { ...noReport, ok: false, told: [problem] };
  const folder = mkdtempSync(join(tmpdir(), "trunkline-torture-"));
  try {
    return await new MmapTorture(terms, folder).run();
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

class MmapTorture {
  readonly #terms: MmapTortureTerms;
  readonly #folder: string;
  readonly #random: () => number;
  readonly #hits = new Map<string, number>();
  readonly #told: string[] = [];
  #victims = 0;
  #sum = { kills: 0, messages: 0, lost: 0, doubled: 0, reordered: 0, stuck: 0, hung: 0 };

  constructor(terms: MmapTortureTerms, folder: string) {
    this.#terms = terms;
    this.#folder = folder;
    this.#random = seededRandom(terms.seed, "mmap");
  }

  async run(): Promise<TortureReport> {
    const { kills, seed } = this.#terms;
    process.env["NODE_COMPILE_CACHE"] ??= enableCompileCache().directory;
    await Promise.all(Array.from({ length: sideBySide }, (_, line) => this.#line(line)));
    const left = readdirSync(this.#folder).filter((name) => name.endsWith(".new"));
    if (left.length > 0) this.#told.push(`files are left: ${left.join(", ")}`);
    const { messages, ...tallies } = this.#sum;
    const { lost, doubled, reordered, stuck, hung } = tallies;
    const ok = this.#told.length === 0 && lost + doubled + reordered + stuck + hung === 0;
    const report = { ok, ...tallies };
    const missed = points.map(nameOf).filter((name) => !this.#hits.has(name));
    const first = `${tallies.kills} of ${kills} kills at ${this.#hits.size} of ${points.length} points, ${messages} messages (seed ${seed}): ${talliesOf(report)}`;
    const never = missed.length === 0 ? [] : [`never come to: ${missed.join(", ")}`];
    return { ...report, told: [first, ...never, ...this.#told] };
  }

  /** One ring after another for those who make them, one for all others. */
  async #line(line: number): Promise<void> {
    const { kills, progress } = this.#terms;
    const place = join(this.#folder, `line-${line}`);
    const round = await Round.open(place, addressOf(place), this.#random);
    try {
      while (this.#sum.kills < kills && this.#told.length === 0) {
        const own = join(this.#folder, `made-${this.#victims}`);
        this.#count(
          this.#random() < ofMakers
            ? await round.make(this.#victim("maker", own), own)
            : await round.run(this.#victim("writer", place), this.#victim("reader", place)),
        );
        progress(`${this.#sum.kills} killed, ${this.#sum.messages} messages`);
      }
    } finally {
      await round.close();
    }
  }

  #victim(role: Role, place: string): VictimTerms {
    const point = this.#next(role);
    const max = point === undefined ? 1 : (nthMax[`${role} ${point.act}`] ?? 1);
    return {
      victim: `${role}-${++this.#victims}`,
      ...{ role, point, seed: this.#terms.seed, address: addressOf(place) },
      nth: 1 + Math.floor(this.#random() * max),
    };
  }

  /** Those points first that were hit least. */
  #next(role: Role): Point | undefined {
    // Nobody can say when somebody makes a file: it takes a millisecond.
    if (role !== "maker" && this.#random() < outside) return undefined;
    const own = points.filter((point) => point.role === role);
    const hits = (point: Point): number => this.#hits.get(nameOf(point)) ?? 0;
    const least = Math.min(...own.map(hits));
    const fewest = own.filter((point) => hits(point) === least);
    return fewest[Math.floor(this.#random() * fewest.length)];
  }

  #count({ ended, told, ...tallies }: Rounded): void {
    for (const { terms, how } of ended) {
      if (how !== "missed") this.#sum.kills++;
      if (how !== "at its point" || terms.point === undefined) continue;
      const name = nameOf(terms.point);
      this.#hits.set(name, (this.#hits.get(name) ?? 0) + 1);
    }
    for (const each of ["messages", "lost", "doubled", "reordered", "stuck", "hung"] as const)
      this.#sum[each] += tallies[each];
    const where = ended
      .map(
        ({ terms, how }) =>
          `${terms.point === undefined ? terms.role : nameOf(terms.point)}, ${terms.nth}: ${how}`,
      )
      .join("; ");
    this.#told.push(...told.map((text) => `${where}: ${text}`));
  }
}

function addressOf(place: string): string {
  return `mmap:${place}?bytes=${ringBytes}`;
}
