import { milliseconds, type Duration } from "../base/duration.ts";
import type { Env } from "../base/env.ts";
import { systemError } from "../base/error.ts";
import { realEnv } from "../base/real-env.ts";
import { Services } from "../call/serve.ts";
import type { DocumentOperation } from "../contract/document.ts";
import type { EventOperation } from "../contract/event.ts";
import type { Operation } from "../contract/operation.ts";
import type { Output } from "../contract/schema.ts";
import type { Binding } from "../messaging/channels.ts";
import { subscriber, type ConsumeTerms, type MessageContext } from "../messaging/on.ts";
import type { BrokerChoice } from "./broker-at.ts";
import { Outboxes } from "../messaging/outbox/outboxes.ts";
import { ProcessMessages } from "./messages.ts";
import { cannotStart } from "./problems.ts";
import { Pulled, type Receiver } from "./pulled.ts";

/** How messages are pulled. */
export interface ReceiveOptions extends Omit<
  ConsumeTerms,
  "concurrency" | "prefetch" | "store" | "consumer"
> {
  /** Where they come from: an address, a make with options of yours, or an open broker. */
  readonly messages: BrokerChoice;
  /** Names this consumer to the broker. Default `receiver`. */
  readonly name?: string;
  /** How channels are laid out, as for a chassis. Default none. */
  readonly bindings?: readonly Binding[];
  /** Messages that are fetched and not settled, those that nobody has taken yet included; 1 to 10,000. Default 16. */
  readonly unsettled?: number;
  /** Clock, timers and randomness: for tests. Default: those of the machine. */
  readonly env?: Env;
}

const unsettledMax = 10_000;
/** The time of an attempt, when nobody says otherwise. */
const withinDefault: Duration = "30s";

/**
 * Pulls messages instead of being called with them: `await using orders = await receive(Orders.placed, { group: "billing",
 * messages: "amqp://host" })`, then `for await (const order of orders) { …; order.done(); }` or `orders.next({ max: 10, within: "5s" })`.
 * Order, attempts, duplicates and dead letters are as with `on`.
 *
 * @throws TrunklineError INVALID_ARGUMENT as `on` does, and the broker's own errors.
 */
export function receive<Data>(
  operation: EventOperation<Data>,
  options: ReceiveOptions & { readonly group: string },
): Promise<Receiver<Output<Data>>>;
/** The same of documents. */
export function receive<Data>(
  operation: DocumentOperation<Data>,
  options: ReceiveOptions & { readonly group?: never },
): Promise<Receiver<Output<Data>>>;
export async function receive(
  operation: Pick<Operation, "kind">,
  options: ReceiveOptions,
): Promise<Receiver<unknown>> {
  const {
    messages,
    name = "receiver",
    bindings = [],
    unsettled = 16,
    env = realEnv(),
    ...terms
  } = options;
  if (!Number.isInteger(unsettled) || unsettled < 1 || unsettled > unsettledMax)
    throw systemError(
      "INVALID_ARGUMENT",
      `unsettled is a number from 1 to ${unsettledMax}, not ${unsettled}`,
      { executed: "no" },
    );
  const pulled = new Pulled(milliseconds(terms.within ?? withinDefault), env);
  const consuming: ConsumeTerms = { ...terms, concurrency: unsettled, prefetch: unsettled };
  const own = new ProcessMessages(
    {
      name,
      messages,
      bindings,
      services: [],
      subscribers: [
        {
          ...subscriber(
            operation,
            consuming,
            () => (data: never, context: MessageContext) => pulled.arrived(data, context),
          ),
          outside: "what is pulled is handled outside of any transaction of ours",
        },
      ],
      interceptors: [],
      checkSent: false,
      outboxes: new Outboxes({ name, bindings, env }),
    },
    env,
  );
  const problems = await own.problems();
  if (problems.length > 0) throw cannotStart(name, problems);
  const close = async (): Promise<void> => {
    await own.drain(0);
    await own.close();
  };
  try {
    await own.open();
    await own.consume(new Services([], { interceptors: [], checkSent: false }, env));
  } catch (error) {
    await close();
    throw error;
  }
  return pulled.opened({ running: () => own.stats()[0]?.running ?? 0, close });
}
