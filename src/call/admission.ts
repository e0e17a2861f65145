import type { AsyncResource } from "node:async_hooks";
import type { Env } from "../base/env.ts";
import { keyAt } from "../contract/key.ts";
import type { Incoming } from "../protocol/incoming.ts";
import { Authorization, type Authorize, type Refusal } from "./authorization.ts";
import type { Member } from "./compile.ts";
import { unwanted } from "./expiry.ts";
import { KeyOrder } from "./key-order.ts";
import type { ServedContext } from "./served-context.ts";

/** Who may use one operation, and when it is whose turn. */
export class Admission {
  /** Everybody is let in at once. */
  readonly open: boolean;
  readonly order: KeyOrder = new KeyOrder();
  readonly #keyPath: string | undefined;
  readonly #authorization: Authorization | undefined;
  readonly #env: Env;

  constructor(authorize: Authorize | undefined, member: Member, scope: AsyncResource, env: Env) {
    this.#keyPath = member.declared.key;
    if (authorize !== undefined)
      this.#authorization = new Authorization(authorize, member, scope, env);
    this.open = this.#authorization === undefined && this.#keyPath === undefined;
    this.#env = env;
  }

  /** Requests that wait for their turn. */
  get waiting(): number {
    return this.order.waiting;
  }

  /**
   * Asks whether the peer may, then does the work in the order of its key. Who must wait for leave holds its place among
   * those of its key meanwhile, so that the order is that of arrival; who is refused waits for none of them.
   */
  admit<T>(
    first: unknown,
    incoming: Incoming,
    context: ServedContext,
    work: (refusal?: Refusal) => Promise<T>,
  ): Promise<T> {
    const leave = this.#authorization?.ask(context, incoming);
    const waits = leave instanceof Promise;
    if (leave !== undefined && !waits) return work(leave);
    const key = this.#keyPath === undefined ? undefined : keyAt(this.#keyPath, first);
    if (key === undefined) return waits ? leave.then(work) : work();
    if (!waits) return this.order.run(key, work);
    const turn = this.order.run(key, async () =>
      (await leave) === undefined ? work() : undefined,
    );
    return leave.then((refusal) => (refusal === undefined ? (turn as Promise<T>) : work(refusal)));
  }

  /** What nobody waits for any more is not begun. The clock is read anew only when there was a wait since the arrival. */
  refuseExpired(incoming: Incoming, waited: boolean): void {
    const now = waited || !this.open ? this.#env.now() : incoming.receivedAt;
    const refusal = unwanted(incoming, now);
    if (refusal !== undefined) throw refusal;
  }
}
