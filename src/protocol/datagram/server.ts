import { alarmAt } from "../../base/alarm.ts";
import { channels } from "../../base/diagnostics.ts";
import type { Env } from "../../base/env.ts";
import type { Peer } from "../../base/peer.ts";
import type { SystemCode } from "../../base/outcome.ts";
import type { Address } from "../../transport/address.ts";
import { Sequences } from "../../transport/sequence.ts";
import type { DatagramReceiver, Transport } from "../../transport/transport.ts";
import type { Incoming } from "../incoming.ts";
import type {
  DatagramCounts,
  Dispatcher,
  ServedOperation,
  ServeOptions,
  Server,
} from "../protocol.ts";
import type { DatagramForm, DatagramReader, Notice } from "./form.ts";

/** Notifications under way, past which further ones wait in the system or, where it would lose them, are refused. */
const inFlightMaxDefault = 4_096;

/** How often it is told at most that datagrams could not be read, in milliseconds: anybody may send them. */
const tellEveryMs = 1_000;

/** Runs the handlers of notifications that come as datagrams. What cannot be, is counted: nobody waits for an answer. */
export class DatagramServer implements Server {
  readonly deserted: Promise<void> = new Promise(() => {}); // whoever sends can always come
  readonly connections = 0;
  readonly #reader: DatagramReader;
  readonly #env: Env;
  readonly #inFlightMax: number;
  readonly #sequences = new Sequences();
  readonly #running = new Set<Incoming>();
  readonly #counts = {
    received: 0,
    handled: 0,
    refused: 0,
    expired: 0,
    malformed: 0,
    doubled: 0,
  };
  #receiver: DatagramReceiver | undefined;
  #malformedTold = 0;
  #malformedToldAt = -Infinity;
  #held = false;
  #emptied: (() => void) | undefined;

  static async listen(
    { datagrams }: Pick<Transport, "datagrams">,
    address: Address,
    form: DatagramForm,
    dispatcher: Dispatcher,
    options: ServeOptions,
    env: Env,
  ): Promise<DatagramServer> {
    const reader = form.reader(address, dispatcher, options, env);
    const server = new DatagramServer(reader, options, env);
    const hear = (memory: Buffer, from: number, to: number, peer: Peer): void =>
      server.#hear(memory, from, to, peer);
    server.#receiver = await datagrams!.receive(address, hear, {}, env);
    return server;
  }

  private constructor(
    reader: DatagramReader,
    { inFlightMax = inFlightMaxDefault }: ServeOptions,
    env: Env,
  ) {
    this.#reader = reader;
    this.#env = env;
    this.#inFlightMax = inFlightMax;
  }

  get address(): Address {
    return this.#receiver!.address;
  }

  get inFlight(): number {
    return this.#running.size;
  }

  get datagrams(): DatagramCounts {
    const { dropped } = this.#receiver!;
    return { ...this.#counts, missing: this.#sequences.missing, dropped };
  }

  async drain(withinMs: number): Promise<number> {
    await this.#receiver!.close();
    if (withinMs > 0 && this.#running.size > 0) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#emptied = resolve;
      const alarm = alarmAt(this.#env, this.#env.now() + withinMs, resolve);
      await promise;
      this.#env.clear(alarm);
    }
    const cut = this.#running.size;
    for (const incoming of this.#running) incoming.cancel("shutdown");
    return cut;
  }

  #hear(memory: Buffer, from: number, to: number, peer: Peer): void {
    this.#counts.received++;
    const notice = this.#reader.read(memory, from, to, peer);
    if (typeof notice === "string") return this.#malformed(notice);
    if (this.#isNew(notice, peer)) this.#begin(notice);
    else this.#counts.doubled++;
  }

  /** A sender is known by its own number and by where it is: nobody else makes what it sends look old. */
  #isNew({ sender, number }: Notice, { address, pid }: Peer): boolean {
    return (
      sender === undefined ||
      this.#sequences.take(`${sender} ${pid ?? ""} ${address}`, number) === "new"
    );
  }

  #begin(notice: Notice): void {
    const { served, incoming } = notice;
    if (served?.operation.kind !== "notification")
      return this.#refuse(notice, "UNIMPLEMENTED", "nobody serves such a notification here");
    if (incoming.deadlineAt <= incoming.receivedAt) {
      this.#counts.expired++;
      return this.#tell(notice, "DEADLINE_EXCEEDED", "its deadline was over when it came");
    }
    if (this.#running.size >= this.#inFlightMax)
      return this.#refuse(notice, "RESOURCE_EXHAUSTED", `${this.#inFlightMax} are under way`);
    let input: unknown;
    try {
      input = notice.input();
    } catch (error) {
      const told = error instanceof Error ? error.message : String(error);
      return this.#refuse(notice, "INVALID_ARGUMENT", `its input cannot be read: ${told}`);
    }
    this.#running.add(incoming);
    if (this.#running.size === this.#inFlightMax && this.#receiver?.pause !== undefined) {
      this.#held = true;
      this.#receiver.pause();
    }
    void this.#run(served, input, incoming);
  }

  async #run(served: ServedOperation, input: unknown, incoming: Incoming): Promise<void> {
    try {
      await served.handle(input, incoming);
    } catch {
      // What escapes a handler was told where it ran; nobody waits to hear of it.
    }
    this.#counts.handled++;
    this.#running.delete(incoming);
    if (this.#held) {
      this.#held = false;
      this.#receiver!.resume!();
    }
    if (this.#running.size === 0) this.#emptied?.();
  }

  #refuse(notice: Notice, code: SystemCode, reason: string): void {
    this.#counts.refused++;
    this.#tell(notice, code, reason);
  }

  #tell({ served, name }: Notice, code: SystemCode, reason: string): void {
    served?.refused?.(code);
    if (channels.refusal.hasSubscribers)
      channels.refusal.publish({ operation: served?.operation.name ?? name, code, reason });
  }

  #malformed(reason: string): void {
    const now = this.#env.now();
    const malformed = ++this.#counts.malformed;
    if (!channels.refusal.hasSubscribers || now < this.#malformedToldAt + tellEveryMs) return;
    const since = malformed - this.#malformedTold;
    this.#malformedTold = malformed;
    this.#malformedToldAt = now;
    const which = since === 1 ? "a datagram" : `${since} datagrams, the last one`;
    channels.refusal.publish({
      operation: "unknown",
      code: "INVALID_ARGUMENT",
      reason: `${which} at ${this.address.text}: ${reason}`,
    });
  }
}
