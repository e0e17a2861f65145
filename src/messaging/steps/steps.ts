import { systemError } from "../../base/error.ts";
import { declarationsOf } from "../../contract/contract.ts";
import type { DocumentOperation } from "../../contract/document.ts";
import type { EventOperation } from "../../contract/event.ts";
import type { Operation } from "../../contract/operation.ts";
import type { Input, Output } from "../../contract/schema.ts";
import { subscriber, type ConsumeTerms, type MessageContext, type Subscriber } from "../on.ts";
import { redacted, type TextPath } from "./redacted.ts";
import { leaving, runSteps, type Publishing, type Step, type StepContext } from "./run-steps.ts";

/** Steps between two channels, each typed by what the one before it gives. Immutable: each method makes a longer one. */
export interface Steps<Value> {
  /** Makes one value of another. It only looks at the message: what it throws ends it at once, as it would fail again. */
  map<Next>(name: string, make: (value: Value, context: StepContext) => Next): Steps<Next>;
  /** Lets go on what it says true of; the rest counts as done. */
  filter(name: string, wanted: (value: Value, context: StepContext) => boolean): Steps<Value>;
  /** As `map`, but may ask others: what it throws is tried again as the consumer's `retry` says. */
  enrich<Next>(
    name: string,
    make: (value: Value, context: StepContext) => Promise<Next>,
  ): Steps<Next>;
  /** Makes several of one, or none; 1,000 messages of one at most. */
  split<Next>(
    name: string,
    make: (value: Value, context: StepContext) => Iterable<Next>,
  ): Steps<Next>;
  /** Overwrites the texts at these paths, `"card.number"`, in lists too; what is absent stays absent. Default mask `***`. */
  redact(name: string, paths: readonly TextPath<Value>[], mask?: string): Steps<Value>;
  /**
   * Where what comes out is published. Its id follows from that of the message, the steps and its place among the others, so that
   * it is recognised when it is published twice; attributes and expiry go along.
   */
  to<Data>(
    this: Steps<Input<Data>>,
    operation: EventOperation<Data> | DocumentOperation<Data>,
  ): Subscriber;
}

const stepsMax = 100;

/**
 * Steps that messages of one channel take on their way to another: for `chassis({ serve: [steps(Orders.placed, { group: "invoices" })
 * .map("invoice", (order) => …).to(Billing.invoiced)] })`. They run in a consumer: where the broker has transactions, what comes
 * out and the ack are one; elsewhere all that comes out has its receipt before the message is acked. A message that a step
 * fails on goes to the dead letters with the name of the step.
 *
 * @throws TrunklineError INVALID_ARGUMENT for what is no operation of a contract, names that are given twice, and steps that lead
 * back to where they begin.
 */
export function steps<Data>(
  operation: EventOperation<Data>,
  terms: ConsumeTerms & { readonly group: string },
): Steps<Output<Data>>;
/** The same from a document. */
export function steps<Data>(
  operation: DocumentOperation<Data>,
  terms: ConsumeTerms & { readonly group?: never },
): Steps<Output<Data>>;
export function steps(operation: Pick<Operation, "kind">, terms: ConsumeTerms): unknown {
  return stepsOf(operation, terms, []);
}

function stepsOf<Value>(
  operation: Pick<Operation, "kind">,
  terms: ConsumeTerms,
  list: readonly Step[],
): Steps<Value> {
  const then = <Next>(name: string, certain: boolean, run: Step["run"]): Steps<Next> => {
    checkName(name, list);
    return stepsOf<Next>(operation, terms, [...list, { name, certain, run }]);
  };
  type Typed<Made> = (value: never, context: StepContext) => Made;
  const made = {
    map: (name: string, make: Typed<unknown>) =>
      then(name, true, (value, context) => [make(value, context)]),
    filter: (name: string, wanted: Typed<boolean>) =>
      then(name, true, (value, context) => (wanted(value, context) ? [value] : [])),
    enrich: (name: string, make: Typed<Promise<unknown>>) =>
      then(name, false, async (value, context) => [await make(value, context)]),
    split: (name: string, make: Typed<Iterable<unknown>>) => then(name, true, make),
    redact: (name: string, paths: readonly string[], mask = "***") =>
      then(name, true, (value) => [redacted(value, paths, mask)]),
    to: (target: Pick<Operation, "kind">) => leadingTo(target, operation, terms, list),
  };
  return Object.freeze(made) as unknown as Steps<Value>;
}

function leadingTo(
  target: Pick<Operation, "kind">,
  operation: Pick<Operation, "kind">,
  terms: ConsumeTerms,
  list: readonly Step[],
): Subscriber {
  const [declaration, second] = declarationsOf(target);
  if (declaration === undefined || second !== undefined)
    throw refused("steps lead to one operation of a contract", "write .to(Billing.invoiced)");
  if (target.kind !== "event" && target.kind !== "document")
    throw refused(
      `steps lead to an event or a document, not to a ${target.kind}`,
      "call it in a handler: on(…)",
    );
  if (target === operation)
    throw refused(
      `${declaration.member} would come back to the same steps for ever`,
      "declare another operation for what comes out",
    );
  const { contract, member } = declaration;
  const source = subscriber(operation, terms, ({ env }) => {
    return async (data: never, context: MessageContext) => {
      const values = await runSteps(list, data, context);
      const publishing = context.publisher(contract) as unknown as Publishing;
      await leaving(values, {
        publish: publishing[member]!,
        chain: [context.message.group, ...list.map(({ name }) => name)],
        message: context.message,
        wall: env.wall(),
      });
    };
  });
  return Object.freeze({ ...source, to: { contract, member } });
}

function checkName(name: string, list: readonly Step[]): void {
  if (typeof name !== "string" || !/^[\w .-]{1,100}$/.test(name))
    throw refused(
      `${JSON.stringify(name)} is no name of a step`,
      "dead letters tell it: use letters, digits, spaces, dots, dashes and underscores",
    );
  if (list.some((step) => step.name === name))
    throw refused(`two steps are called ${name}`, "dead letters tell steps by name");
  if (list.length >= stepsMax)
    throw refused(`there are more than ${stepsMax} steps`, "join some of them");
}

function refused(reason: string, advice: string): Error {
  return systemError("INVALID_ARGUMENT", reason, { executed: "no", advice });
}
