import { Refusal } from "../refusal.ts";
import { type FieldValue, type Table, typeName } from "../terms.ts";
import { sameValue } from "./headers.ts";
import { jsonOf } from "./table-json.ts";

// The words are RabbitMQ's, since its clients look for them.

/** What something is called in a refusal: `queue 'orders' in vhost '/'`. */
export function called(kind: "exchange" | "queue", name: string, host: string): string {
  return `${kind} '${name}' in vhost '${host}'`;
}

export function absent(kind: "exchange" | "queue", name: string, host: string): Refusal {
  return new Refusal("not-found", `no ${called(kind, name, host)}`);
}

export function onDefault(): Refusal {
  return new Refusal("access-refused", "operation not permitted on the default exchange");
}

/** @throws Refusal access-refused for a new name that begins with `amq.`. */
export function checkReserved(kind: "exchange" | "queue", name: string): void {
  if (!name.startsWith("amq.")) return;
  throw new Refusal("access-refused", `${kind} name '${name}' contains reserved prefix 'amq.*'`);
}

/** @throws Refusal precondition-failed unless a property is the same in both declarations. */
export function checkEquivalent(
  what: string,
  name: string,
  received: string | boolean | undefined,
  current: string | boolean | undefined,
): void {
  if (received === current) return;
  throw inequivalent(what, name, quoted(received), quoted(current));
}

/** @throws Refusal precondition-failed unless an argument is the same in both declarations: RabbitMQ cares only for some. */
export function checkEquivalentArgument(
  what: string,
  name: string,
  received: Table,
  current: Table,
): void {
  const [left, right] = [received[what], current[what]];
  if (sameValue(left, right)) return;
  const both = left !== undefined && right !== undefined;
  const told = both ? plain : typed;
  throw inequivalent(what, name, told(left), told(right));
}

function inequivalent(what: string, name: string, received: string, current: string): Refusal {
  return new Refusal(
    "precondition-failed",
    `inequivalent arg '${what}' for ${name}: received ${received} but current is ${current}`,
  );
}

function quoted(value: string | boolean | undefined): string {
  return value === undefined ? "none" : `'${value}'`;
}

function plain(value: FieldValue): string {
  return `'${typeof value === "string" ? value : JSON.stringify(jsonOf(value))}'`;
}

/** RabbitMQ tells the type of a value that the other declaration lacks. */
function typed(value: FieldValue): string {
  return value === undefined ? "none" : `the value ${plain(value)} of type '${typeName(value)}'`;
}
