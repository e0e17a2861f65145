import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { parseAddress } from "../../src/transport/address.ts";
import { realEnv } from "../../src/base/real-env.ts";
import type { Connection, Transport } from "../../src/transport/transport.ts";
import { insidesOf } from "./insides.ts";
import { Traffic } from "./traffic.ts";
import { addressOf, connectionsOf, moveSoon, type VictimTerms } from "./victim-terms.ts";

/** The survivor knows of the death within this, in milliseconds. */
const knownWithinMs = 1_000;
/** A victim that does not come to its point, and does not end, is hung. */
const endsWithinMs = 30_000;
/** One that hangs has so long to tell what it waits for. */
const tellsWithinMs = 2_000;
const dialledWithinMs = 20_000;
const stoodMs: readonly [least: number, most: number] = [20, 250];

/** Whose strike it is. */
type Met = (victim: number) => Strike;

/** What came of one victim. */
export interface Struck {
  readonly how: "killed" | "stood still" | "missed" | "failed";
  readonly lost: number;
  readonly doubled: number;
  readonly late: number;
  readonly moved: number;
  readonly told: readonly string[];
}

/** A process that has connections with this one and is killed, or stands still for a while. */
export class Strike {
  readonly #terms: VictimTerms;
  readonly #random: () => number;
  readonly #traffics = new Set<Traffic>();
  readonly #moved = new Set<Traffic>();
  readonly #slots = new Map<Traffic, number>();
  readonly #told: string[] = [];
  /** Why it was not dialled, the last time that it was not. */
  #undialled: unknown;

  constructor(terms: VictimTerms, random: () => number) {
    this.#terms = terms;
    this.#random = random;
  }

  /** Takes a connection of the victim. `met`: it has said whose it is. */
  begin(connection: Connection, dialled: boolean, met: Met): void {
    let owner: Strike = this; // oxlint-disable-line no-this-alias
    const traffic: Traffic = new Traffic(
      connection,
      { victim: 0, slot: 0, random: this.#random, pauses: this.#random() < 0.3 },
      {
        broken: (what) => owner.#told.push(what),
        // So far it was whose it seemed to be: of the one that listens, or of nobody.
        met: (victim, slot) => {
          this.#traffics.delete(traffic);
          owner = met(victim);
          owner.#traffics.add(traffic);
          owner.#slots.set(traffic, slot);
        },
        closed: ({ kind, message }) => {
          if (connection.moves?.way === "shm") owner.#moved.add(traffic);
          if (kind === "broken") owner.#told.push(message);
        },
      },
    );
    this.#traffics.add(traffic);
    if (dialled) moveSoon(connection, this.#random);
  }

  async run(transport: Transport, met: Met): Promise<Struck> {
    const terms = this.#terms;
    const { point, deed } = terms;
    const child = spawn(
      process.execPath,
      [
        "--conditions=@trunkline/source",
        ...reporting(terms),
        join(import.meta.dirname, "victim.ts"),
        JSON.stringify(terms),
      ],
      { stdio: ["ignore", "pipe", "pipe"] },
    );
    let complaint = "";
    child.stderr.setEncoding("utf8").on("data", (text: string) => (complaint += text));
    let hung = false;
    let stood = false;
    const alarm = setTimeout(() => {
      hung = true;
      void this.#askHung(child);
    }, endsWithinMs);
    const ended = once(child, "exit") as Promise<[number | null, NodeJS.Signals | null]>;
    child.stdout.setEncoding("latin1").on("data", (text: string) => {
      if (text.includes("L")) void this.#dial(child, transport, met);
      if (text.includes("S")) {
        stood = true;
        void this.#letGoOn(child);
      }
    });
    if (point === undefined) void this.#killSoon(child);
    const [code, signal] = await ended;
    clearTimeout(alarm);
    const late = await this.late();
    if (complaint !== "" || (code !== null && code !== 0)) this.#told.push(`${code}: ${complaint}`);
    const killed = signal === "SIGKILL" && !hung;
    const how =
      this.#told.length > 0 ? "failed" : killed ? "killed" : stood ? "stood still" : "missed";
    // Whoever ends in order loses nothing; of what was killed all has come that had left.
    const lost = this.#lost(deed === "stop" || !killed);
    const doubled = [...this.#traffics].reduce((sum, each) => sum + each.doubled, 0);
    return { how, lost, doubled, late, moved: this.#moved.size, told: this.#told };
  }

  /** As often as it takes: a machine that stands still for a moment lets a dial be late, and the victim would wait for it for ever. */
  async #dial(child: ChildProcess, transport: Transport, met: Met): Promise<void> {
    const env = realEnv();
    const address = parseAddress(addressOf(this.#terms));
    for (let count = 0; count < connectionsOf && lives(child);)
      try {
        const until = env.now() + dialledWithinMs;
        this.begin(await transport.dial(address, { until }, env), true, met);
        count++;
      } catch (error) {
        this.#undialled = error;
        await pause(1);
      }
  }

  /** It says that it stands still before it does, and to go on before that would be to stand still for ever. */
  async #letGoOn(child: ChildProcess): Promise<void> {
    while (lives(child) && !/\) T /.test(aboutIn(child, "stat"))) await pause(1);
    const [least, most] = stoodMs;
    await pause(least + this.#random() * (most - least));
    child.kill("SIGCONT");
  }

  /** Has all told that both sides know of what the victim waits for, and kills it. */
  async #askHung(child: ChildProcess): Promise<void> {
    const [stat, wchan] = [aboutIn(child, "stat"), aboutIn(child, "wchan")];
    this.#told.push(`the victim hung: ${stat} ${wchan} ${String(this.#undialled)}`);
    for (const traffic of this.#traffics)
      this.#told.push(`it is known here by\n${await insidesOf(traffic)}`);
    // Whether its event loop turns or not: it tells of itself, or Node tells where it is.
    child.kill("SIGHUP");
    child.kill("SIGUSR2");
    await pause(tellsWithinMs);
    this.#told.push(reportOf(this.#terms));
    child.kill("SIGKILL");
  }

  /** When it is at work, or before. */
  async #killSoon(child: ChildProcess): Promise<void> {
    const afterMs = this.#random() * 60;
    if (this.#random() < 0.9) while (this.#traffics.size === 0 && lives(child)) await pause(1);
    await pause(afterMs);
    child.kill("SIGKILL");
  }

  /** How many of its connections are not known to be over in time. */
  async late(): Promise<number> {
    const until = performance.now() + knownWithinMs;
    const open = (): Traffic[] => [...this.#traffics].filter(({ closed }) => closed === undefined);
    while (open().length > 0 && performance.now() < until) await pause(2);
    const late = open();
    for (const { connection } of late) {
      this.#told.push(`a connection by ${connection.moves?.way} is open still`);
      connection.destroy("it should be over");
    }
    return late.length;
  }

  /** What had left, and did not come. By the socket of one that is killed that may be: our own writes fail first. */
  #lost(orderly: boolean): number {
    const journal = readOr(this.#terms.journal);
    let lost = 0;
    for (const traffic of this.#traffics) {
      lost += traffic.lost;
      const slot = this.#slots.get(traffic) ?? Infinity;
      if (journal.length < (slot + 1) * 4 || (!orderly && !this.#moved.has(traffic))) continue;
      const missing = journal.readUInt32LE(slot * 4) - traffic.received;
      if (missing <= 0) continue;
      lost += missing;
      this.#told.push(`${missing} frames of slot ${slot} are missing (${traffic.closed?.message})`);
    }
    return lost;
  }
}

/** Node writes a report of what it does when it is asked by SIGUSR2, from wherever it is. */
function reporting({ journal }: VictimTerms): string[] {
  const into = [
    `--report-directory=${dirname(journal)}`,
    `--report-filename=${basename(journal)}.report`,
  ];
  return ["--report-on-signal", ...into];
}

function reportOf({ journal }: VictimTerms): string {
  const text = readOr(`${journal}.report`).toString();
  if (text === "") return "it has written no report";
  const { javascriptStack, nativeStack, libuv } = JSON.parse(text) as Record<string, unknown>;
  return JSON.stringify({ javascriptStack, nativeStack, libuv }, undefined, 1);
}

function lives({ exitCode, signalCode }: ChildProcess): boolean {
  return exitCode === null && signalCode === null;
}

/** What the system tells of it. */
function aboutIn({ pid }: ChildProcess, file: string): string {
  return readOr(`/proc/${pid}/${file}`).toString();
}

function readOr(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch {
    return Buffer.alloc(0); // it died before it began
  }
}
