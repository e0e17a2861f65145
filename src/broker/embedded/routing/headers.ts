import { readProperties } from "../../../wire/amqp091/properties.ts";
import type { Message } from "../message.ts";
import { type FieldValue, type Table, typeName } from "../terms.ts";
import { jsonOf } from "./table-json.ts";
import type { Binding, Matcher } from "./exchange.ts";
import { Refusal } from "../refusal.ts";

const kinds = ["all", "any", "all-with-x", "any-with-x"];

/** Of a headers exchange: those whose arguments are among the message's headers, all of them or any, as `x-match` says. */
export class HeaderArguments implements Matcher {
  readonly looksAt = "message";
  readonly #bindings = new Set<Binding>();

  add(binding: Binding): void {
    this.#bindings.add(binding);
  }

  remove(binding: Binding): void {
    this.#bindings.delete(binding);
  }

  match(_keys: readonly string[], message: Message, found: Binding[]): void {
    if (this.#bindings.size === 0) return;
    const headers = readProperties(message.properties).headers ?? {};
    for (const binding of this.#bindings)
      if (headersMatch(binding.terms.arguments, headers)) found.push(binding);
  }
}

/** @throws Refusal precondition-failed for an `x-match` that says nothing. */
export function checkHeaderArguments(given: Table): void {
  const match = given["x-match"];
  if (match === undefined || (typeof match === "string" && kinds.includes(match))) return;
  throw new Refusal(
    "precondition-failed",
    typeof match === "string"
      ? `Invalid x-match field value <<"${match}">>; expected all, any, all-with-x, or any-with-x`
      : `Invalid x-match field type ${typeName(match)} (value ${JSON.stringify(jsonOf(match))}); expected longstr`,
  );
}

/**
 * Whether headers have what a binding asks for. An argument without a value asks that the header is there. Those that begin with
 * `x-` count only in the kinds `all-with-x` and `any-with-x`.
 */
export function headersMatch(asked: Table, headers: Table): boolean {
  const kind = asked["x-match"] ?? "all";
  const withX = kind === "all-with-x" || kind === "any-with-x";
  const any = kind === "any" || kind === "any-with-x";
  for (const name of Object.keys(asked)) {
    if (name === "x-match" || (!withX && name.startsWith("x-"))) continue;
    const wanted = asked[name];
    const fits =
      Object.hasOwn(headers, name) && (isVoid(wanted) || sameValue(wanted, headers[name]));
    if (fits === any) return any;
  }
  return !any;
}

function isVoid(value: FieldValue): value is null | undefined {
  return value === null || value === undefined;
}

/** The same value, whatever the width of its type: numbers by what they say, texts and bytes by their bytes. */
export function sameValue(left: FieldValue, right: FieldValue): boolean {
  if (left === right) return true;
  if (isVoid(left) || isVoid(right)) return isVoid(left) && isVoid(right);
  const [one, other] = [plain(left), plain(right)];
  if (typeof one !== "object" && typeof other !== "object")
    // A bigint and a number with the same value are equal only so.
    // eslint-disable-next-line eqeqeq
    return isNumeric(one) && isNumeric(other) && one == other;
  return sameObject(one, other);
}

type Plain = Exclude<FieldValue, null | undefined | Date>;

/** Instants are numbers of seconds on the wire. */
function plain(value: Exclude<FieldValue, null | undefined>): Plain {
  return value instanceof Date ? Math.floor(value.getTime() / 1_000) : value;
}

function isNumeric(value: Plain): value is number | bigint {
  return typeof value === "number" || typeof value === "bigint";
}

function sameObject(left: Plain, right: Plain): boolean {
  const bytes = bytesOf(left);
  if (bytes !== undefined) {
    const others = bytesOf(right);
    return others !== undefined && bytes.equals(others);
  }
  if (typeof left !== "object" || typeof right !== "object") return false;
  if (Array.isArray(left) !== Array.isArray(right) || right instanceof Uint8Array) return false;
  const names = Object.keys(left);
  const [one, other] = [left as Table, right as Table];
  return (
    names.length === Object.keys(other).length &&
    names.every((name) => Object.hasOwn(other, name) && sameValue(one[name], other[name]))
  );
}

function bytesOf(value: Plain): Buffer | undefined {
  if (typeof value === "string") return Buffer.from(value);
  return value instanceof Uint8Array ? Buffer.from(value) : undefined;
}
