import type { Env } from "../../base/env.ts";
import type { BrokerCapabilities } from "../../broker/broker.ts";
import type { SharedBroker } from "../../broker/shared-broker.ts";
import { serve, Services } from "../../call/serve.ts";
import type { Server } from "../../protocol/protocol.ts";
import { rsocket } from "../../protocol/rsocket/index.ts";
import { unix } from "../../transport/unix/index.ts";
import { RemoteBroker } from "../broker/contract.ts";
import { BrokerServer } from "../broker/server.ts";
import { FolderOwner } from "./contract.ts";
import { Guests } from "./guests.ts";
import type { Engine, OpenEngine } from "./engine.ts";
import type { Life, Seat } from "./life.ts";
import { meetingPlace, type MeetingPlace } from "./meeting-place.ts";
import type { Overseer } from "./overseer.ts";
import type { OwnerLock } from "./owner-lock.ts";
import { writeOwner } from "./owner-note.ts";

export interface OwnerTerms {
  readonly folder: string;
  /** What this process calls itself. */
  readonly name: string;
  readonly pid: number;
  readonly handOverMs: number;
  readonly openEngine: OpenEngine;
}

/** How long answers that are under way may take when the owner leaves, in milliseconds: everybody has come to rest by then. */
const drainMs = 500;

/** A folder that this process owns: its broker without a connection, served to the others. */
export class OwnerLife implements Life {
  readonly role = "owner";
  readonly capabilities: BrokerCapabilities;
  readonly ended: Promise<string>;
  onLeaving: undefined;
  readonly engine: Engine;
  /** What ends all else that is served. */
  readonly faces: Set<() => Promise<void>> = new Set();
  readonly #shared: SharedBroker;
  readonly #server: BrokerServer;
  readonly #guests: Guests;
  readonly #listening: Server;
  readonly #place: MeetingPlace;
  readonly #lock: OwnerLock;
  readonly #handOverMs: number;
  readonly #end: (reason: string) => void;
  #over = false;
  #failed = false;
  #closing: Promise<void> | undefined;

  /** Opens what is there and serves it. The lock is released again when that fails, or when it is over. */
  static async open(lock: OwnerLock, terms: OwnerTerms, env: Env): Promise<OwnerLife> {
    const { folder, name, pid, openEngine } = terms;
    const undo: (() => void | Promise<void>)[] = [() => lock.release()];
    try {
      const note = await writeOwner(folder, pid, name, env.wall());
      const engine = await openEngine(folder, env);
      undo.unshift(() => engine.close());
      const place = await meetingPlace(folder);
      undo.unshift(() => place.close());
      const server = new BrokerServer(engine.shared, env);
      const guests = new Guests(note, engine.node, env);
      const services = [serve(RemoteBroker, server.handlers), serve(FolderOwner, guests.handlers)];
      const dispatcher = new Services(services, { interceptors: [], checkSent: false }, env);
      const options = { instance: name, inFlightMax };
      const listening = await rsocket(unix()).serve(place.address, dispatcher, options, env);
      return new OwnerLife(engine, { lock, place, server, guests, listening }, terms);
    } catch (error) {
      for (const each of undo) await Promise.resolve(each()).catch(() => undefined);
      throw error;
    }
  }

  private constructor(
    engine: Engine,
    parts: {
      readonly lock: OwnerLock;
      readonly place: MeetingPlace;
      readonly server: BrokerServer;
      readonly guests: Guests;
      readonly listening: Server;
    },
    { handOverMs }: OwnerTerms,
  ) {
    this.engine = engine;
    this.#shared = engine.shared;
    this.#lock = parts.lock;
    this.#place = parts.place;
    this.#server = parts.server;
    this.#guests = parts.guests;
    this.#listening = parts.listening;
    this.#handOverMs = handOverMs;
    this.capabilities = engine.shared.capabilities;
    const ended = Promise.withResolvers<string>();
    this.ended = ended.promise;
    this.#end = ended.resolve;
    void engine.failed.then((error) => {
      this.#failed = true;
      this.#over = true;
      this.#end(error.message);
    });
  }

  get over(): boolean {
    return this.#over;
  }

  get overseer(): Overseer {
    return this.#guests.overseer;
  }

  async open(user: string): Promise<Seat> {
    return {
      broker: this.#shared.open(user),
      openReplies: (...asked) => this.#shared.openReplies(...asked),
    };
  }

  close(): Promise<void> {
    return (this.#closing ??= this.#close());
  }

  /** Nobody waits for a storage that has failed; else everybody comes to rest first. */
  async #close(): Promise<void> {
    try {
      if (!this.#failed) await this.#guests.leave(this.#handOverMs);
      this.#over = true;
      await Promise.allSettled([...this.faces].map((end) => end()));
      await this.#server.close();
      this.#guests.end();
      await this.#listening.drain(this.#failed ? 0 : drainMs);
    } finally {
      await this.engine.close().finally(() => {
        this.#lock.release();
        this.#end("it was closed");
      });
      await this.#place.close();
    }
  }
}

/** Requests of one guest under way: all its consumers and boxes, and what its users ask. */
const inFlightMax = 65_536;
