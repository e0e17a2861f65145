import { systemError } from "../../base/error.ts";
import type { PublishOptions } from "../../call/message-type.ts";
import type { Member } from "../../call/compile.ts";
import type { AnyContract } from "../../contract/contract.ts";
import type { Transaction } from "../../store/transaction.ts";
import { messagesOf } from "../messaging.ts";
import type { Outbox } from "./outbox.ts";

/**
 * What a handler in a transaction publishes by: a function of any operation, `publish(Billing.invoiced, invoice)`, that has the
 * messages of its own contract as methods, `publish.placed(order)`, like outside of one.
 */
export function publishIn(outbox: Outbox, tx: Transaction, contract?: AnyContract): object {
  const publish = outbox.publisherIn(tx);
  for (const member of contract === undefined ? [] : messagesOf(contract))
    // A function has a name and a length of its own, which operations may be called too.
    Object.defineProperty(publish, member.name, { value: methodIn(outbox, tx, member) });
  return Object.freeze(publish);
}

function methodIn(outbox: Outbox, tx: Transaction, member: Member): object {
  const { kind, name } = member.operation;
  if (kind !== "event" && kind !== "document")
    return () =>
      Promise.reject(
        systemError(
          "UNIMPLEMENTED",
          `the reply of a ${kind} cannot be waited for in a transaction`,
          {
            executed: "no",
            operation: name,
            advice:
              "nothing has left before it is committed; publish(operation, data) sends a command without waiting",
          },
        ),
      );
  const method = (data: unknown, options?: PublishOptions): Promise<unknown> =>
    outbox.publishIn(tx, member, data, options);
  method.many = (values: Iterable<unknown>, options?: PublishOptions): Promise<unknown> =>
    Promise.all(Array.from(values, (value) => outbox.publishIn(tx, member, value, options)));
  return Object.freeze(method);
}
