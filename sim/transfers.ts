import { getEventListeners } from "node:events";
import type { StreamOptions } from "trunkline";
import type { Transfer } from "./contract.ts";
import type { Entry } from "./ledger.ts";
import { readPieces } from "./reader.ts";
import { Sending } from "./sending.ts";
import type { Giving } from "./sent.ts";
import type { Asking, Stage, Way } from "./stage.ts";

export type TransferMember = "gather" | "pour" | "talk" | "chat";

/** An upload or duplex as it was drawn. */
export interface DrawnTransfer {
  readonly member: TransferMember;
  readonly order: Transfer;
  readonly giving: Giving;
  readonly totalMs: number | undefined;
  readonly idleMs: number | undefined;
  /** Of a duplex: after how many items its reader leaves, and how long it works on each. */
  readonly takes: number;
  readonly paceMs: number;
}

/** Sends items, and checks what comes of it. */
export class Transfers {
  readonly #stage: Stage;
  /** How those who read now can be made to leave. */
  readonly leave = new Set<() => void>();

  constructor(stage: Stage) {
    this.#stage = stage;
  }

  /** Rejects as the upload or duplex does. */
  async send(way: Way, drawn: DrawnTransfer, asking: Asking): Promise<void> {
    const { ledger, plan, world } = this.#stage;
    const { member, order, giving, totalMs, idleMs } = drawn;
    const { id, end, heeds } = order;
    const { deadlineMs, signal, parent, trace } = asking;
    const own = world.now + (deadlineMs ?? plan.deadlineMs);
    const entry = ledger.begin({
      ...{ id, member, env: way.env, server: way.server, end, heeds, parent },
      dueAt: Math.min(own, asking.dueAt ?? Infinity),
      back: way.back === true,
    });
    entry.totalAt = Math.min(world.now + (totalMs ?? Infinity), asking.dueAt ?? Infinity);
    entry.idleMs = idleMs ?? Infinity;
    const sending = new Sending(this.#stage, entry, order, giving);
    entry.sending = sending;
    this.#stage.expectTotal(id, totalMs);
    if (trace !== undefined) this.#stage.expectTrace(id, trace);
    const options: StreamOptions = {
      ...{ deadline: deadlineMs, signal, total: totalMs, idle: idleMs },
      headers: { "x-id": id },
    };
    try {
      if (member === "gather" || member === "pour")
        await this.#upload(way, entry, sending, drawn, options);
      else await this.#duplex(way, entry, sending, drawn, options);
    } catch (error) {
      ledger.fail(entry, error);
      throw error;
    } finally {
      this.#stage.checkLeft(entry);
    }
  }

  async #upload(
    { by }: Way,
    entry: Entry,
    sending: Sending,
    { member, order }: DrawnTransfer,
    given: StreamOptions,
  ): Promise<void> {
    const { ledger, world } = this.#stage;
    const { items } = sending;
    const controller = new AbortController();
    const leave = (): void => {
      entry.cancelledAt = Math.min(entry.cancelledAt, world.now);
      controller.abort();
    };
    const options = { ...given, signal: given.signal ?? controller.signal };
    this.leave.add(leave);
    const { id, mark, count } = await (
      member === "gather"
        ? by.gather(items, { ...options, head: order })
        : by.pour(items, bare(order, options))
    ).finally(() => {
      this.leave.delete(leave);
      if (getEventListeners(controller.signal, "abort").length > 0)
        ledger.complain(`${entry.id} has settled and listens to its signal`);
    });
    if (id !== order.id || mark !== `${id}+` || count !== sending.received)
      ledger.complain(`${order.id} was answered with ${count} items of ${id}, ${mark}`);
    ledger.settle(entry, { ok: true, left: false });
  }

  async #duplex(
    { by }: Way,
    entry: Entry,
    sending: Sending,
    { member, order, takes, paceMs }: DrawnTransfer,
    options: StreamOptions,
  ): Promise<void> {
    const { world } = this.#stage;
    const given = sending.items;
    const items =
      member === "talk"
        ? by.talk(given, { ...options, head: order })
        : by.chat(given, bare(order, options));
    const leave = (): void => {
      entry.cancelledAt = Math.min(entry.cancelledAt, world.now);
      void items.return();
    };
    this.leave.add(leave);
    try {
      await readPieces(this.#stage, items, entry, { order, options, takes, paceMs });
    } finally {
      this.leave.delete(leave);
    }
  }
}

function bare(order: Transfer, options: StreamOptions): StreamOptions {
  return { ...options, headers: { ...options.headers, "x-order": JSON.stringify(order) } };
}
