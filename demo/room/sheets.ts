import { setTimeout as sleep } from "node:timers/promises";
import { client, close, type Client } from "trunkline";
import { addressOf, registryOf } from "../addresses.ts";
import { Archive, type Arrival, type Sheet } from "../contracts/archive.ts";
import type { Trouble } from "../contracts/control.ts";
import { Tower } from "../contracts/tower.ts";
import { credentials } from "../credentials.ts";
import { callTree, wider, type CallTree } from "./call-tree.ts";
import type { ControlRoom } from "./control-room.ts";
import type { FlightRecorder } from "../member/flight-recorder.ts";

/** A tower that was killed is back before this. */
const giveUpMs = 60_000;
const triesEveryMs = 200;

/** When the towers are asked for their first sheets, and how long after that for the next ones, as shares of the duration. */
const firstAt = 0.3;
const every = 0.1;

export interface SheetSources {
  readonly room: ControlRoom;
  readonly recorder: FlightRecorder;
  readonly folder: string;
  /** The names of all towers. */
  readonly towers: readonly string[];
}

/** Has the towers hand in their log sheets, and follows in the archive what becomes of them. */
export class Sheets implements AsyncDisposable {
  readonly stored: Sheet[] = [];
  /** Those that ended before their end had come. */
  readonly cut: (Arrival & { readonly what: "cut" })[] = [];
  /** Requests for sheets that failed. */
  readonly troubles: Trouble[] = [];
  /** The request that went through more processes than the others. */
  tree: CallTree | undefined;
  readonly #from: SheetSources;
  readonly #towers = new Map<string, Client<typeof Tower> & AsyncDisposable>();
  readonly #archive: Client<typeof Archive> & AsyncDisposable;
  readonly #waiting = new Map<string, () => void>();

  constructor(from: SheetSources) {
    this.#from = from;
    // Each tower is asked for a sheet of its own: here it is not enough that one of them answers.
    for (const name of from.towers)
      this.#towers.set(name, client(Tower, addressOf(from.folder, name)));
    this.#archive = client(Archive, "service:archive", {
      discovery: registryOf(from.folder),
      transports: [credentials(from.folder, "control")],
    });
  }

  /** Reads what becomes of all sheets, until the archive stops. */
  async follow(): Promise<void> {
    for await (const arrival of this.#archive.arrivals()) {
      if (arrival.what === "stored") this.stored.push(arrival);
      else if (arrival.what === "cut") this.cut.push(arrival);
      else this.#waiting.get(arrival.tower)?.();
    }
  }

  /** Resolves in the moment in which the first lines of a tower's next sheet are in the archive. */
  begun(tower: string): Promise<void> {
    return new Promise((resolve) => this.#waiting.set(tower, resolve));
  }

  /** One round after the other, until `signal` aborts. */
  async askInTurn(seconds: number, signal: AbortSignal): Promise<void> {
    const begun = performance.now();
    // By the clock: a round that has waited for a tower to come back must not put off the next one, and what is done to towers in it.
    for (let share = firstAt; ; share += every) {
      const leftMs = begun + share * seconds * 1_000 - performance.now();
      await sleep(Math.max(0, leftMs), undefined, { signal }).catch(() => {});
      if (signal.aborted) return;
      await this.askAll();
    }
  }

  /** Asks each tower for the sheet of the flights since its last one. */
  async askAll(): Promise<void> {
    await Promise.all([...this.#towers].map(([name, tower]) => this.#ask(name, tower)));
  }

  /** Asks until there is an answer: a tower that was killed meanwhile is asked again when it is back. */
  async #ask(name: string, tower: Client<typeof Tower>): Promise<void> {
    const until = performance.now() + giveUpMs;
    for (;;) {
      const answer = await tower.signOff.result();
      if (answer.ok) return this.#recall(answer.value.trace);
      const { code, executed, message } = answer.error;
      this.troubles.push({
        tower: name,
        operation: "signOff",
        code,
        executed,
        moved: false,
        count: 1,
      });
      if (code !== "UNAVAILABLE" || performance.now() > until)
        throw new Error(`${name} did not hand in its sheet: ${message}`);
      await sleep(triesEveryMs);
    }
  }

  async #recall(trace: string): Promise<void> {
    const { room, recorder } = this.#from;
    const spans = [...recorder.spans(trace), ...(await room.spans(trace))];
    this.tree = wider(this.tree, callTree(trace, spans));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([this.#archive, ...this.#towers.values()].map((each) => close(each)));
  }
}
