import { contract, type Contract } from "../../../contract/contract.ts";
import type { EventOperation } from "../../../contract/event.ts";
import type { Schema } from "../../../contract/schema.ts";
import { operationOf } from "../../../schema/foreign/operation-of.ts";
import { bind, type Binding } from "../../channels.ts";
import { planAsyncApi, type AsyncApiImportTerms } from "./plan.ts";

/**
 * A contract whose operations are known when the program runs. The compiler takes each for an event of anything; `trunkline import asyncapi`
 * writes a module that says more.
 */
export type ImportedMessages = Contract<string, Readonly<Record<string, EventOperation<Schema>>>>;

export interface ImportedAsyncApi {
  readonly contract: ImportedMessages;
  /** The channels whose names do not follow from the contract: for `chassis({ bindings })`. */
  readonly bindings: readonly Binding[];
  /** What could not be taken over, and where: schemas of other languages, addresses with parameters, references to other documents. */
  readonly warnings: readonly string[];
}

/**
 * Makes a contract and its bindings from somebody's AsyncAPI document (2.0 to 2.6 or 3; JSON, as text or parsed). A message with a
 * reply is a command, one whose channel is a queue of AMQP a document, any other an event; documents of ours say it themselves. What
 * cannot be taken over is left out and told in `warnings`. The document may come from anybody: nothing is fetched, everything is bounded.
 *
 * @throws TrunklineError INVALID_ARGUMENT when it is no such document, or larger than any that people mean.
 */
export function importAsyncApi(
  document: unknown,
  terms: AsyncApiImportTerms = {},
): ImportedAsyncApi {
  const plan = planAsyncApi(document, terms);
  const operations = plan.operations.map(({ member, shape }) => [
    member,
    operationOf(shape, plan.definitions),
  ]);
  const made = contract(
    plan.name,
    { version: plan.version as "1.0.0" },
    Object.fromEntries(operations) as object,
  ) as unknown as ImportedMessages;
  const bindings = plan.operations.flatMap(({ member, channel }) =>
    channel === undefined ? [] : [bind(made[member]!, { channel })],
  );
  return { contract: made, bindings, warnings: plan.warnings };
}
