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

/** A connection that is to move has done so after this long, in milliseconds. */
const settledMs = 1_000;

interface Opened {
  way: string;
  readonly since: number;
}

/** True for one that has had the time to leave TCP, and has not. */
function remained(opened: Opened | undefined): boolean {
  if (opened === undefined || (opened.way !== "tcp" && opened.way !== "tls")) return false;
  return performance.now() - opened.since > settledMs;
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
  /** Of each endpoint: what carries its open connections. */
  readonly #ways = new Map<string, Opened[]>();
  /** Those that have closed and never left TCP. */
  #neverMoved = 0;
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
    const remaining = [...this.#ways.values()].flat().filter(remained).length;
    const opened = { ...this.opened, tcpLoopback: this.#neverMoved + remaining };
    return { name, pid: process.pid, made, opened, incidents };
  }

  #ended({ side, operation }: CallEvent): void {
    if (side !== "client") return;
    const kind = this.#kinds.get(operation);
    if (kind !== undefined) this.made[kind]++;
  }

  #connection({ side, endpoint, state, way }: ConnectionEvent): void {
    if (side !== "client") return;
    const scheme = endpoint.slice(0, endpoint.indexOf(":"));
    const those = this.#ways.get(endpoint) ?? [];
    if (state === "closed" && remained(those.shift())) this.#neverMoved++;
    if (state === "moved" && way !== undefined) {
      // From TCP to a Unix socket, from a Unix socket to shared memory.
      const moving = those.find((each) =>
        way === "shm" ? each.way === "unix" : each.way === scheme,
      );
      if (moving !== undefined) moving.way = way;
      if (way === "shm") this.#count("shm");
      this.connected?.();
    }
    if (state !== "open") return;
    const opened = { way: scheme, since: performance.now() };
    this.#ways.set(endpoint, [...those, opened]);
    this.#count(scheme);
    this.connected?.();
  }

  #count(what: string): void {
    this.opened[what] = (this.opened[what] ?? 0) + 1;
  }

  #incident({ operation, id, error }: IncidentEvent): void {
    this.incidents++;
    console.error(`${operation} threw (report ${id}):`, error);
  }
}
