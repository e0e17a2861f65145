import { once } from "node:events";
import { createServer, type AddressInfo } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Child } from "./child.ts";
import type { Effects } from "./effects.ts";
import { executions } from "./journal.ts";
import type { Called } from "./load.ts";
import type { Seat } from "./peer.ts";
import { tally, type Row } from "./tally.ts";

/** What happens to the replicas, one after the other, while they are called. */
export type Phase = "kill" | "roll" | "freeze";

export const phases: readonly Phase[] = ["kill", "roll", "freeze"];

export interface StormOptions {
  /** For the rows. */
  readonly peer: string;
  /** The module that exports the `StormPeer`, as a URL. */
  readonly module: URL;
  /** What the seats are told. Default: nothing. */
  readonly over?: string;
  /** Where they are found. Default: a folder. */
  readonly registry?: string;
  /** The database that they share, and what they have written there of calls that they carried out. Default: none. */
  readonly shared?: { readonly address: string; readonly effects: Effects };
  /** A private folder, empty. */
  readonly folder: string;
  readonly perSecond: number;
  readonly replicas: number;
  /** How long each replica stands still in `freeze`. */
  readonly freezeMs: number;
  /** How many of the replicas something happens to, in each phase. Default: all, one after the other. */
  readonly struck?: number;
  /** How long all is well after each fault, and before the first. */
  readonly calmMs: number;
  tell(text: string): void;
}

/** What was given up may be found and run after a freeze: so long it is waited for. */
const aftermathMs = 500;

/** Replicas and a caller, under load, and what is done to them. */
export class Storm implements AsyncDisposable {
  readonly #options: StormOptions;
  readonly #seats: readonly Seat[];
  readonly #replicas = new Map<number, Child>();
  readonly #caller: Child;
  readonly #drop = (): void => {
    for (const child of this.#children) child.drop();
  };

  private constructor(options: StormOptions, seats: readonly Seat[], caller: Child) {
    this.#options = options;
    this.#seats = seats;
    this.#caller = caller;
    process.on("exit", this.#drop);
  }

  static async gather(options: StormOptions): Promise<Storm> {
    const { folder, over = "", registry = `directory:${registryFolder(folder)}` } = options;
    const store = options.shared?.address ?? "";
    const ports = await freePorts(options.replicas + 1);
    const seats = ports.map((port, number) => ({ number, port, folder, over, registry, store }));
    const replicas = await Promise.all(
      seats
        .slice(1)
        .map(async ({ number }) => [number, await replica(options, seats, number)] as const),
    );
    const caller = await Child.start("caller.ts", [options.module.href, JSON.stringify(seats)]);
    const storm = new Storm(options, seats, caller);
    for (const [number, child] of replicas) storm.#replicas.set(number, child);
    return storm;
  }

  /** One phase under load, and what came of it. */
  async phase(phase: Phase): Promise<Row> {
    return this.under(phase, async (calm) => {
      const numbers = [...this.#replicas.keys()];
      for (const number of numbers.slice(0, this.#options.struck)) {
        this.#options.tell(`${this.#options.peer}: ${phase} ${number}`);
        await this.#strike(phase, number);
        await calm();
      }
    });
  }

  /** Anything that happens under load. */
  async under(phase: string, happens: (calm: () => Promise<void>) => Promise<void>): Promise<Row> {
    const { peer, folder, perSecond, calmMs, shared } = this.#options;
    const calm = (): Promise<void> => sleep(calmMs);
    this.#caller.send(perSecond);
    await calm();
    await happens(calm);
    this.#caller.send("end");
    const calls = (await this.#caller.answer()) as Called[];
    await sleep(aftermathMs);
    const written = (await shared?.effects.read()) ?? [];
    return tally(peer, phase, calls, new Map([...executions(folder), ...written]));
  }

  /** One replica is replaced, whatever else happens meanwhile. */
  async roll(number: number): Promise<void> {
    await this.#strike("roll", number);
  }

  async #strike(phase: Phase, number: number): Promise<void> {
    const child = this.#replicas.get(number)!;
    if (phase === "freeze") return child.freeze(this.#options.freezeMs);
    if (phase === "kill") await child.kill();
    else if (!(await child.stop()))
      this.#options.tell(`${this.#options.peer}: replica ${number} did not end on SIGTERM`);
    this.#replicas.set(number, await replica(this.#options, this.#seats, number));
  }

  get #children(): Child[] {
    return [...this.#replicas.values(), this.#caller];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    process.off("exit", this.#drop);
    await Promise.all(this.#children.map((child) => child.kill()));
  }
}

function replica({ module }: StormOptions, seats: readonly Seat[], number: number): Promise<Child> {
  return Child.start("replica.ts", [module.href, String(number), JSON.stringify(seats)]);
}

/** The folder in which replicas are found when nothing else is said. */
export function registryFolder(folder: string): string {
  return join(folder, "services");
}

/** Ports that nobody listens on: each is held until all are known. */
async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, "127.0.0.1"));
  await Promise.all(servers.map((server) => once(server, "listening")));
  const ports = servers.map((server) => (server.address() as AddressInfo).port);
  await Promise.all(servers.map((server) => once(server.close(), "close")));
  return ports;
}
