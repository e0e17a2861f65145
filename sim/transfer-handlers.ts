import { isTrunklineError, type HeadedContext, type ItemStream } from "trunkline";
import { Arrival, finish } from "./arrival.ts";
import { padOf, type Piece, type Transfer, type Work } from "./contract.ts";
import type { Life } from "./life.ts";
import type { Sent } from "./sent.ts";
import type { Stage } from "./stage.ts";
import { wait } from "./wait.ts";

/** What no schema here takes. */
const invalid = 7 as never;

type Gather = (typeof Work)["gather"];
type TransferContext = HeadedContext<Gather["head"], Gather["errors"]>;
type BareContext = HeadedContext<undefined, Gather["errors"]>;
type Receipt = { id: string; mark: string; count: number };

/** The part of the handlers that reads items. */
export class TransferHandlers {
  protected readonly stage: Stage;
  protected readonly life: Life;
  protected readonly arrival: Arrival;
  readonly #gathering = new Set<string>();
  readonly #turns = new Map<string, number>();

  constructor(stage: Stage, life: Life) {
    this.stage = stage;
    this.life = life;
    this.arrival = new Arrival(stage, life);
  }

  async gather(items: ItemStream<Piece>, context: TransferContext): Promise<Receipt> {
    const { lane, turn, id } = context.head;
    const { ledger } = this.stage;
    if (lane === undefined) return this.#take(context.head, items, context);
    if (this.#gathering.has(lane)) ledger.complain(`two uploads of ${lane} run at once`);
    if (turn <= (this.#turns.get(lane) ?? -1) && this.stage.oneConnection)
      ledger.complain(`in ${lane} ${id} runs too late`);
    this.#turns.set(lane, turn);
    this.#gathering.add(lane);
    try {
      return await this.#take(context.head, items, context);
    } finally {
      this.#gathering.delete(lane);
    }
  }

  pour(items: ItemStream<Piece>, context: BareContext): Promise<Receipt> {
    return this.#take(orderIn(context), items, context);
  }

  talk(items: ItemStream<Piece>, context: TransferContext): AsyncIterable<Piece> {
    return this.#converse(context.head, items, context);
  }

  chat(items: ItemStream<Piece>, context: BareContext): AsyncIterable<Piece> {
    return this.#converse(orderIn(context), items, context);
  }

  async #take(
    order: Transfer,
    items: ItemStream<Piece>,
    context: BareContext | TransferContext,
  ): Promise<Receipt> {
    const { ledger } = this.stage;
    const { id } = order;
    this.arrival.lasting(order, context);
    if (order.end === "refuse") throw this.arrival.refusal(id, context);
    const run = ledger.run(id, this.life.env);
    try {
      const count = await this.#readAll(order, items, context);
      await finish(order, context);
      return { id, mark: order.end === "invalid" ? invalid : id, count };
    } finally {
      ledger.ended(id, run);
    }
  }

  async *#converse(
    order: Transfer,
    items: ItemStream<Piece>,
    context: BareContext | TransferContext,
  ): AsyncGenerator<Piece> {
    const { ledger } = this.stage;
    const { id, bytes, manner, gives } = order;
    const entry = ledger.entries.get(id);
    this.arrival.lasting(order, context);
    if (order.end === "refuse") throw this.arrival.refusal(id, context);
    const run = ledger.run(id, this.life.env);
    let n = 0;
    const own = (): Piece => {
      if (entry !== undefined) this.stage.produced(entry, bytes);
      return { id, n, mark: `${n}`, pad: padOf(id, n++, bytes) };
    };
    try {
      if (manner === "speak") while (n < gives) yield own();
      for (let read = 0; read < order.reads; read++) {
        if (!(await this.#read(order, items, context))) break;
        if (manner === "echo") yield own();
      }
      if (order.stops) await this.#stop(id, items);
      if (manner === "listen") while (n < gives) yield own();
      if (order.end === "invalid") yield { ...own(), mark: invalid };
      await finish(order, context);
    } finally {
      ledger.ended(id, run);
    }
  }

  async #readAll(
    order: Transfer,
    items: ItemStream<Piece>,
    context: BareContext | TransferContext,
  ): Promise<number> {
    let count = 0;
    while (count < order.reads && (await this.#read(order, items, context))) count++;
    if (order.stops) {
      await this.#stop(order.id, items);
      await wait(this.life.env, order.paceMs, order.heeds ? context.signal : undefined);
    }
    return count;
  }

  /** Wants no more items; that is a sign to whoever gives them. */
  #stop(id: string, items: ItemStream<Piece>): Promise<unknown> {
    const { ledger, world } = this.stage;
    const sending = ledger.entries.get(id)?.sending;
    if (sending !== undefined) sending.receivedAt = world.now;
    return items.return();
  }

  /** Reads one item and looks at it; false when it was the end. */
  async #read(
    { id, bytes, paceMs, heeds }: Transfer,
    items: ItemStream<Piece>,
    context: BareContext | TransferContext,
  ): Promise<boolean> {
    const { ledger, world } = this.stage;
    const sending = ledger.entries.get(id)?.sending;
    const next = await items.next().catch((error: unknown) => {
      this.#cutShort(id, sending, error);
      throw error;
    });
    if (next.done === true) {
      if (sending?.ended !== true || sending.received !== sending.given)
        ledger.complain(`${id} takes items that were cut short for complete`);
      return false;
    }
    const { n, mark, pad, id: of } = next.value;
    const expected = sending?.received ?? n;
    if (of !== id || n !== expected || mark !== `${n}+` || pad !== padOf(id, n, bytes))
      ledger.complain(`item ${expected} of ${id} came as ${n} of ${of}, ${mark}, ${pad.length}`);
    if (sending !== undefined) {
      sending.received++;
      sending.receivedAt = world.now;
    }
    if (paceMs > 0) await wait(this.life.env, paceMs, heeds ? context.signal : undefined);
    return true;
  }

  /** The items rejected: there must be a reason for it. */
  #cutShort(id: string, sending: Sent | undefined, error: unknown): void {
    const { ledger, plan, calm, world } = this.stage;
    const entry = ledger.entries.get(id);
    if (entry === undefined || sending === undefined) return;
    const code = isTrunklineError(error) ? error.code : String(error);
    const { invalidAt } = sending.giving;
    const wrong = sending.given > invalidAt;
    // Who reads slowly learns late that its time was over.
    const late = world.now >= Math.min(entry.totalAt, entry.dueAt) || entry.idleMs < Infinity;
    const left =
      entry.settledAt !== undefined || entry.cancelledAt < Infinity || entry.parent !== undefined;
    const gone = left || late || sending.failed;
    const reasons: Record<string, boolean> = {
      INVALID_ARGUMENT: wrong && plan.habits.has("unchecked"),
      CANCELLED: !calm || gone || wrong || plan.habits.has("closes"),
    };
    if (reasons[code] !== true) ledger.complain(`the items of ${id} reject with ${code}`);
    if (code === "INVALID_ARGUMENT" && sending.received !== invalidAt)
      ledger.complain(`${id} is told of a bad item after ${sending.received} others`);
  }
}

/** What a request without a head is to do. Its mark is not read by a schema. */
function orderIn({ headers }: BareContext): Transfer {
  const order = JSON.parse(headers["x-order"]!) as Transfer;
  return { ...order, mark: `${order.mark}+` };
}
