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

/**
 * Counts what this process does. Trunkline has no logger and no counters of its own: it tells what happens on
 * `node:diagnostics_channel`, and whoever wants to know subscribes.
 */
export class Meter {
  readonly made: Report["made"] = { call: 0, stream: 0, upload: 0, duplex: 0, notification: 0 };
  readonly opened: Record<string, number> = {};
  incidents = 0;
  /** Called at each connection that this process opens: it may be killed before it would tell of it otherwise. */
  connected: (() => void) | undefined;
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
    const { made, opened, incidents } = this;
    return { name, pid: process.pid, made, opened, incidents };
  }

  #ended({ side, operation }: CallEvent): void {
    if (side !== "client") return;
    const kind = this.#kinds.get(operation);
    if (kind !== undefined) this.made[kind]++;
  }

  #connection({ side, endpoint, state }: ConnectionEvent): void {
    if (side !== "client" || state !== "open") return;
    const scheme = endpoint.slice(0, endpoint.indexOf(":"));
    this.opened[scheme] = (this.opened[scheme] ?? 0) + 1;
    this.connected?.();
  }

  #incident({ operation, id, error }: IncidentEvent): void {
    this.incidents++;
    console.error(`${operation} threw (report ${id}):`, error);
  }
}
