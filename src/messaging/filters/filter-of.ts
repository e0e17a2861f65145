import { systemError, type TrunklineError } from "../../base/error.ts";
import { attribute, attributeName } from "../../broker/attributes.ts";
import type { BrokerCapabilities, BrokerFilter } from "../../broker/broker.ts";
import type { Envelope } from "../../broker/envelope.ts";
import type { MessageFilter } from "../message-filter.ts";
import type { Where } from "../where.ts";
import { expressionOf } from "./expression.ts";

/** Attributes that one filter asks for. */
const attributesMax = 32;
/** Texts that one attribute may have. */
const choicesMax = 100;
/** The longest text to compare with. */
const textCharsMax = 1_000;

const known: ReadonlySet<string> = new Set([
  "id",
  "correlationId",
  "subject",
  "type",
  "attributes",
  "data",
]);

/**
 * Makes a filter of `where`. Everything that is given must hold; what the broker can leave out by itself is pushed down to it, and
 * judged here again.
 *
 * @throws TrunklineError INVALID_ARGUMENT for what cannot be meant; UNIMPLEMENTED when it has an expression and the library for it is missing.
 */
export async function messageFilter(
  where: Where,
  { filters }: Pick<BrokerCapabilities, "filters">,
): Promise<MessageFilter> {
  checkWhere(where);
  const tests = testsOf(where);
  const wantsData = where.data === undefined ? undefined : await expressionOf(where.data);
  return {
    pushedDown: pushedDown(where, filters),
    wants: (envelope) => tests.every((holds) => holds(envelope)),
    wantsData,
  };
}

type Test = (envelope: Envelope) => boolean;

function testsOf({ id, correlationId, subject, type, attributes = {} }: Where): Test[] {
  const tests: Test[] = [];
  if (id !== undefined) tests.push((envelope) => envelope.id === id);
  if (type !== undefined) tests.push((envelope) => envelope.type === type);
  if (correlationId !== undefined)
    tests.push(
      (envelope) =>
        envelope.id === correlationId ||
        envelope.attributes[attribute.correlationid] === correlationId,
    );
  if (subject?.endsWith("*") === true) {
    const prefix = subject.slice(0, -1);
    tests.push((envelope) => envelope.subject?.startsWith(prefix) === true);
  } else if (subject !== undefined) tests.push((envelope) => envelope.subject === subject);
  for (const [name, wanted] of Object.entries(attributes)) {
    const choices: ReadonlySet<string> = new Set(typeof wanted === "string" ? [wanted] : wanted);
    tests.push(({ attributes: has }) => Object.hasOwn(has, name) && choices.has(has[name]!));
  }
  return tests;
}

/** The part of it that is mere equality, as far as the broker goes. */
function pushedDown(
  { subject, type, attributes = {} }: Where,
  filters: BrokerCapabilities["filters"],
): BrokerFilter | undefined {
  const equal = Object.entries(attributes).filter(
    (entry): entry is [string, string] => typeof entry[1] === "string",
  );
  const filter: BrokerFilter = {
    ...(type !== undefined && filters.includes("type") ? { type } : {}),
    ...(subject !== undefined && !subject.endsWith("*") && filters.includes("subject")
      ? { subject }
      : {}),
    ...(equal.length > 0 && filters.includes("attributes")
      ? { attributes: Object.fromEntries(equal) }
      : {}),
  };
  return Object.keys(filter).length === 0 ? undefined : filter;
}

function checkWhere(where: Where): void {
  const strange = Object.keys(where).find((name) => !known.has(name));
  if (strange !== undefined)
    throw refused(
      `where.${strange} is nothing to filter by`,
      `use one of ${[...known].join(", ")}`,
    );
  const { attributes = {}, ...texts } = where;
  for (const [name, value] of Object.entries(texts))
    if (name !== "data") checkText(`where.${name}`, value);
    else if (typeof value !== "string")
      throw refused("where.data is an expression in CEL", 'write data: "data.total > 100.0"');
  const entries = Object.entries(attributes);
  if (entries.length > attributesMax)
    throw refused(
      `where.attributes has ${entries.length} attributes; ${attributesMax} are allowed`,
      "leave some away",
    );
  for (const [name, wanted] of entries) {
    if (!attributeName.test(name))
      throw refused(
        `no message has an attribute ${JSON.stringify(name)}`,
        "names are 1 to 20 lower-case letters and digits",
      );
    const choices = typeof wanted === "string" ? [wanted] : wanted;
    if (choices.length === 0 || choices.length > choicesMax)
      throw refused(
        `where.attributes.${name} has ${choices.length} texts`,
        `give 1 to ${choicesMax}`,
      );
    for (const choice of choices) checkText(`where.attributes.${name}`, choice);
  }
}

function checkText(what: string, value: unknown): void {
  if (value === undefined) return;
  if (typeof value === "string" && value !== "" && value.length <= textCharsMax) return;
  throw refused(
    `${what} is a text of 1 to ${textCharsMax} characters`,
    "leave it away to have all messages",
  );
}

function refused(reason: string, advice: string): TrunklineError {
  return systemError("INVALID_ARGUMENT", reason, { executed: "no", advice });
}
