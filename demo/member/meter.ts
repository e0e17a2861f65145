import { subscribe } from "node:diagnostics_channel";
import {
  info,
  type AnyContract,
  type CallEvent,
  type ConnectionEvent,
  type IncidentEvent,
  type Kind,
} from "trunkline";
import type { Report } from "../contracts/control.ts";

/** A connection that is to move has done so when it is this old, in milliseconds. */
const settledMs = 1_000;

/** An open connection of this process. */
interface Opened {
  way: string;
  /** Looks at it when it is as old as that. */
  readonly look: NodeJS.Timeout;
}

/**
 * Counts what this process does. Trunkline has no logger and no counters of its own: it tells what happens on
 * `node:diagnostics_channel`, and whoever wants to know subscribes.
 */
export class Meter {
  readonly made: Report["made"] = { call: 0, stream: 0, upload: 0, duplex: 0, notification: 0 };
  /** Connections by the scheme of their address; `shm`: those that have moved to shared memory. */
  readonly opened: Record<string, number> = {};
  incidents = 0;
  /** Called at each connection that this process opens: it may be killed before it would tell of it otherwise. */
  connected: (() => void) | undefined;
  /** By their numbers. */
  readonly #open = new Map<number, Opened>();
  /** How many have been looked at at that age, and how many of them TCP carried then. */
  #settled = 0;
  #onTcp = 0;
  readonly #kinds = new Map<string, keyof Meter["made"]>();

  constructor(contracts: readonly AnyContract[]) {
    for (const contract of contracts) {
      const { name, operations } = contract[info];
      for (const [member, { kind }] of Object.entries(operations as Record<string, { kind: Kind }>))
        if (kind in this.made) this.#kinds.set(`${name}.${member}`, kind as keyof Meter["made"]);
    }
    const ended = (event: unknown): void => this.#ended(event as CallEvent);
    subscribe("trunkline:call", ended);
    subscribe("trunkline:stream", ended);
    subscribe("trunkline:connection", (event) => this.#connection(event as ConnectionEvent));
    subscribe("trunkline:incident", (event) => this.#incident(event as IncidentEvent));
  }

  /** The part of a report that every process has. */
  report(name: string): Pick<Report, "name" | "pid" | "made" | "opened" | "incidents"> {
    const { made, incidents } = this;
    const opened = { ...this.opened, settled: this.#settled, tcpLoopback: this.#onTcp };
    return { name, pid: process.pid, made, opened, incidents };
  }

  #ended({ side, operation }: CallEvent): void {
    if (side !== "client") return;
    const kind = this.#kinds.get(operation);
    if (kind !== undefined) this.made[kind]++;
  }

  #connection({ side, endpoint, connection, state, way }: ConnectionEvent): void {
    if (side !== "client") return;
    const opened = connection === undefined ? undefined : this.#open.get(connection);
    if (state === "open") this.#opened(endpoint, connection);
    else if (state === "closed" && opened !== undefined) {
      clearTimeout(opened.look);
      this.#open.delete(connection!);
    } else if (state === "moved" && opened !== undefined) {
      opened.way = way!;
      if (way === "shm") this.#count("shm");
      this.connected?.();
    }
  }

  #opened(endpoint: string, connection: number | undefined): void {
    const way = endpoint.slice(0, endpoint.indexOf(":"));
    if (connection !== undefined) {
      const look = setTimeout(() => this.#look(opened), settledMs).unref();
      const opened: Opened = { way, look };
      this.#open.set(connection, opened);
    }
    this.#count(way);
    this.connected?.();
  }

  #look({ way }: Opened): void {
    this.#settled++;
    if (way === "tcp" || way === "tls") this.#onTcp++;
  }

  #count(what: string): void {
    this.opened[what] = (this.opened[what] ?? 0) + 1;
  }

  #incident({ operation, id, error }: IncidentEvent): void {
    this.incidents++;
    console.error(`${operation} threw (report ${id}):`, error);
  }
}
