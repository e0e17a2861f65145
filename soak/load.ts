import { once } from "node:events";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Worker } from "node:worker_threads";
import { client, close, type Client, type ClientOptions } from "trunkline";
import { stdio } from "trunkline/transport/stdio";
import { tls } from "trunkline/transport/tls";
import { trusted } from "../bench/certificate.ts";
import { Mixed } from "./contract.ts";
import type { Figures } from "./figures.ts";
import { below, check, jobs } from "./jobs.ts";
import type { Ledger } from "./ledger.ts";

/** Where the servers are; all of them know the certificate of `ca`. */
export interface Places {
  /** Live as long as the run. */
  readonly steady: readonly string[];
  /** Of a server that is stopped and killed now and then. */
  readonly restarted: readonly string[];
  readonly ca: string;
}

type MixedClient = Client<typeof Mixed> & AsyncDisposable;

/** So many lanes for each place where the server is steady, each doing one thing after the other. */
const lanesPerPlace = 12;
const lanesPerRestarted = 4;
const passersBy = 3;

/** Between two jobs of a lane, in milliseconds: the load is steady, not the most that the machine can do. */
const pauseMs = 16;
const childPauseMs = 8_000;

/** What a request to a server that restarts may fail with. */
const lostCodes = ["UNAVAILABLE"];

/** How often each job is drawn, those that are not named once: the cheap ones are the usual ones. */
const weights: Readonly<Record<string, number>> = { echo: 16, stream: 4, notification: 8 };

const jobNames = Object.keys(jobs);
const drawn = jobNames.flatMap((name) => Array.from({ length: weights[name] ?? 1 }, () => name));

/** The load of one process: lanes over all places, connections that come and go, and children. */
export class Load {
  readonly #places: Places;
  readonly #ledger: Ledger;
  #transports: ClientOptions["transports"] = [];
  #thread: Worker | undefined;
  #clients: MixedClient[] = [];
  #over = new AbortController();
  /** Lanes wait for it while the load rests. */
  #gate: PromiseWithResolvers<void> | undefined;
  #passers = 0;
  /** Notifications that have left, by the server that they went to. */
  readonly #noted = { steady: 0, thread: 0 };

  constructor(places: Places, ledger: Ledger) {
    this.#places = places;
    this.#ledger = ledger;
  }

  async open(): Promise<void> {
    this.#over = new AbortController();
    this.#transports = [tls({ ca: trusted(this.#places.ca) })];
    this.#thread = new Worker(join(import.meta.dirname, "thread.ts"));
    this.#noted.thread = 0;
    const [threadAddress] = (await once(this.#thread, "message")) as [string];
    for (const address of [...this.#places.steady, threadAddress]) {
      const mixed = this.#opened(address);
      for (let lane = 0; lane < lanesPerPlace; lane++) this.#lane(() => this.#job(mixed, address));
      for (let lane = 0; lane < passersBy; lane++) this.#lane(() => this.#passBy(address));
    }
    for (const address of this.#places.restarted) {
      const mixed = this.#opened(address);
      for (let lane = 0; lane < lanesPerRestarted; lane++)
        this.#lane(() => this.#job(mixed, address, lostCodes));
    }
    this.#lane(() => this.#child(), childPauseMs);
  }

  /** Pauses, and resolves when nothing is under way. */
  async rest(): Promise<void> {
    this.#gate = Promise.withResolvers();
    await this.#ledger.rest();
    await this.#compareNotes();
  }

  resume(): void {
    this.#gate?.resolve();
    this.#gate = undefined;
  }

  /** What the thread holds. */
  async threadFigures(): Promise<Figures> {
    this.#thread!.postMessage("figures");
    const [all] = (await once(this.#thread!, "message")) as [Figures];
    return all;
  }

  /** Ends all lanes and closes all that is open. */
  async close(): Promise<void> {
    this.#over.abort();
    this.resume();
    await this.#ledger.rest();
    for (const mixed of this.#clients)
      void this.#ledger.does("closing a client", () => close(mixed, { within: "1s" }));
    await this.#ledger.rest();
    this.#clients = [];
    this.#transports = [];
    await this.#thread!.terminate();
    this.#thread = undefined;
  }

  #client(address: string, instance?: string): MixedClient {
    const named = instance === undefined ? {} : { instance };
    const transports = this.#transports ?? [];
    return client(Mixed, address, { checkSent: true, transports, ...named });
  }

  #opened(address: string): MixedClient {
    const mixed = this.#client(address);
    this.#clients.push(mixed);
    return mixed;
  }

  #lane(next: () => Promise<void>, pause: number = pauseMs): void {
    const { signal } = this.#over;
    const run = async (): Promise<void> => {
      while (!signal.aborted) {
        await sleep(below(pause), undefined, { signal }).catch(() => {});
        while (this.#gate !== undefined) await this.#gate.promise;
        if (!signal.aborted) await next();
      }
    };
    void run();
  }

  async #job(mixed: MixedClient, address: string, lost: readonly string[] = []): Promise<void> {
    const name = drawn[below(drawn.length)]!;
    await this.#ledger.does(
      `${name} at ${address}`,
      async () => {
        await jobs[name]!(mixed, this.#ledger);
        if (name === "notification") this.#noteAt(address);
      },
      lost,
    );
  }

  #noteAt(address: string): void {
    if (this.#places.steady.includes(address)) this.#noted.steady++;
    else if (address.startsWith("worker:")) this.#noted.thread++;
  }

  /** What was notified has come, each exactly once. */
  async #compareNotes(): Promise<void> {
    const steady = this.#clients[0];
    const thread = this.#clients[this.#places.steady.length];
    for (const [mixed, sent] of [
      [steady, this.#noted.steady],
      [thread, this.#noted.thread],
    ] as const) {
      await this.#ledger.does("counting the notifications", async () => {
        const came = await mixed!.noted(null);
        check(came === sent, `${came} of ${sent} have come`);
      });
    }
  }

  /** A connection of its own, for a moment; it ends in one of three ways. */
  async #passBy(address: string): Promise<void> {
    const mixed = this.#client(address, `passer-by-${this.#passers++}`);
    this.#ledger.add("connections");
    for (let left = below(4); left > 0; left--) await this.#job(mixed, address);
    await this.#ledger.does(`passing by ${address}`, async () => {
      const way = below(3);
      if (way === 0) await close(mixed);
      else if (way === 1) await this.#closeInMidWork(mixed);
      else await this.#closeWithin(mixed);
    });
  }

  /** What is under way is cancelled. */
  async #closeInMidWork(mixed: MixedClient): Promise<void> {
    const waiting = mixed.wait.result(9_000);
    const items = mixed.count(1e9, { total: "10s" });
    const read = items.next().then(
      (): undefined => undefined,
      (error: unknown) => error,
    );
    if (below(2) === 0) await sleep(below(20));
    await close(mixed);
    const result = await waiting;
    check(!result.ok, "a call was answered after its client had been closed");
    check(result.error.code === "CANCELLED", `a call failed with ${result.error.code}`);
    await read;
    await items.next().then(
      () => {},
      () => {},
    );
    this.#ledger.add("cancelled");
  }

  /** What is under way may end. */
  async #closeWithin(mixed: MixedClient): Promise<void> {
    const answer = mixed.echo({ number: 1, filler: "" });
    await close(mixed, { within: "5s" });
    check((await answer).number === 1, "another answer");
    this.#ledger.add("calls");
  }

  /** A child process, for a few calls. */
  async #child(): Promise<void> {
    const { signal } = this.#over;
    await this.#ledger.does("a child over stdio:", async () => {
      const args = [...process.execArgv, join(import.meta.dirname, "pipe-child.ts")];
      const transports = [stdio({ command: process.execPath, args })];
      const mixed = client(Mixed, "stdio:", { transports, connectWait: "10s" });
      try {
        for (const name of jobNames) if (!signal.aborted) await jobs[name]!(mixed, this.#ledger);
      } finally {
        await close(mixed);
      }
      this.#ledger.add("children");
    });
  }
}
