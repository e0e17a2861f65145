import type { EnumModel, MessageModel, ProtoModel, Reserved } from "./model.ts";
import { snake, upperSnake, valuePrefix } from "./names.ts";

/** The numbers that fields and enum values have had: `proto.lock.json`, committed beside the contract. */
export interface ProtoLock {
  /** By name and major version: `orders@1`. */
  readonly contracts: Readonly<Record<string, ContractLock>>;
}

/** By the names of messages and enums. */
export interface ContractLock {
  readonly messages: Readonly<Record<string, NumbersLock>>;
  readonly enums: Readonly<Record<string, NumbersLock>>;
}

export interface NumbersLock {
  /** By the name that the contract has: a property, an enum's text, a variant. */
  readonly numbers: Readonly<Record<string, number>>;
  /** Those that are not there any more: nobody else gets their numbers. */
  readonly reserved?: Readonly<Record<string, number>>;
}

/** These belong to implementations of Protobuf. */
const kept = { from: 19_000, to: 19_999 };

interface Numbered {
  readonly key: string;
  readonly set: (number: number) => void;
}

/**
 * Gives each field and each enum value its number: the one in the lock, or the next one that nobody ever had. Answers
 * with the lock that holds them all; what the lock knows and the model does not stays in it.
 */
export function giveNumbers(model: ProtoModel, lock: ContractLock | undefined): ContractLock {
  const messages: Record<string, NumbersLock> = { ...lock?.messages };
  const enums: Record<string, NumbersLock> = { ...lock?.enums };
  for (const message of model.messages) {
    const { name, fields } = message;
    if (fields.every(({ number }) => number !== 0)) continue;
    const entries = fields.map((field) => ({
      key: field.key,
      set: (number: number) => void (field.number = number),
    }));
    messages[name] = numbersOf(entries, lock?.messages[name]);
    message.reserved = reservedOf(message, messages[name]);
  }
  for (const each of model.enums) {
    const entries = each.values.flatMap((value) => {
      if (value.value === undefined) return [];
      return { key: value.value, set: (number: number) => void (value.number = number) };
    });
    enums[each.name] = numbersOf(entries, lock?.enums[each.name]);
    each.reserved = reservedOf(each, enums[each.name]!);
  }
  return { messages: sorted(messages), enums: sorted(enums) };
}

function numbersOf(entries: readonly Numbered[], old: NumbersLock | undefined): NumbersLock {
  const known = { ...old?.reserved, ...old?.numbers };
  let last = Math.max(0, ...Object.values(known));
  const numbers: Record<string, number> = {};
  for (const { key, set } of entries) {
    // One that comes back gets its number back.
    const own = Object.hasOwn(known, key) ? known[key]! : (last = after(last));
    numbers[key] = own;
    set(own);
  }
  const gone = Object.entries(known).filter(([key]) => !Object.hasOwn(numbers, key));
  return gone.length === 0 ? { numbers } : { numbers, reserved: Object.fromEntries(gone) };
}

function after(last: number): number {
  return last + 1 === kept.from ? kept.to + 1 : last + 1;
}

function reservedOf(model: MessageModel | EnumModel, { reserved = {} }: NumbersLock): Reserved[] {
  const prefix = "values" in model ? valuePrefix(model.name) : undefined;
  return Object.entries(reserved).map(([key, number]) => ({
    name: prefix === undefined ? snake(key) : `${prefix}${upperSnake(key)}`,
    number,
  }));
}

/** So that two who add messages at the same time change different lines. */
function sorted<T>(record: Readonly<Record<string, T>>): Record<string, T> {
  return Object.fromEntries(Object.entries(record).toSorted(([a], [b]) => (a < b ? -1 : 1)));
}
