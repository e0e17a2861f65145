import { systemError, type SystemError } from "../base/error.ts";
import type { Context } from "../base/handler.ts";
import { kinds } from "../contract/kinds.ts";
import { keyAt } from "../contract/key.ts";
import type { Schema } from "../contract/schema.ts";
import { explain, isPending, validate } from "../contract/validation.ts";
import type { Member } from "./compile.ts";
import { ConvertedContext } from "./converted-context.ts";
import { convertedOutput, ConvertedItems } from "./converted-items.ts";
import { errorMakers, isDeclaredBy } from "./declared-errors.ts";
import type { ItemStream } from "./client-type.ts";
import { isItems } from "./items.ts";
import { KeyOrder } from "./key-order.ts";
import { currentContext } from "./served-context.ts";

/** What handlers that convert must know of the server that they are in. */
export interface Surroundings {
  /** Checks what handlers send too, not only what they receive. */
  readonly checkSent: boolean;
  /** The order of those who ask this very operation there; undefined where it is not served. */
  readonly orderOf: (member: Member) => KeyOrder | undefined;
}

type Convert = (value: unknown, context: Context) => unknown;

/** The terms of one operation, as they are at run time. */
export interface Conversion {
  readonly to?: string;
  readonly head?: Convert;
  readonly up?: Convert;
  readonly down?: Convert;
  readonly errors?: Readonly<Record<string, Convert>>;
}

/** A handler of `older` that asks the handler of `newer` among `handlers`. */
export function convertedHandler(
  older: Member,
  newer: Member,
  conversion: Conversion,
  handlers: object,
  surroundings: Surroundings,
): (input: unknown, context: Context) => Promise<unknown> {
  const converted = new Converted(older, newer, conversion, handlers, surroundings);
  return (input, context) => converted.handle(input, context);
}

/** One operation of an older version, between its caller and the handler of the newer one. */
class Converted {
  readonly #older: Member;
  readonly #newer: Member;
  readonly #conversion: Conversion;
  readonly #handlers: object;
  readonly #checkSent: boolean;
  readonly #errors: object;
  readonly #orderOf: Surroundings["orderOf"];
  /** Where the newer version is not served beside this one. */
  readonly #ownOrder = new KeyOrder();

  constructor(
    older: Member,
    newer: Member,
    conversion: Conversion,
    handlers: object,
    { checkSent, orderOf }: Surroundings,
  ) {
    this.#older = older;
    this.#newer = newer;
    this.#conversion = conversion;
    this.#handlers = handlers;
    this.#checkSent = checkSent;
    this.#errors = errorMakers(newer);
    this.#orderOf = orderOf;
  }

  /** `input` is the items where the kind sends many. */
  async handle(input: unknown, context: Context): Promise<unknown> {
    const many = kinds[this.#newer.declared.kind].sends === "many";
    const { head, up } = this.#conversion;
    const first = await this.#up(many ? head : up, many ? context.head : input, context);
    // The newer schemas read what the conversion made, once, as if it had come from a caller of the newer version.
    const read = await this.#read(first, context);
    const own = new ConvertedContext(
      context,
      this.#newer.operation,
      this.#errors,
      many ? read : undefined,
    );
    const given = many
      ? new ConvertedItems(input as ItemStream<unknown>, (item, index) =>
          this.#itemUp(item, index, context),
        )
      : read;
    await this.#turn(first, context);
    return this.#ask(given, own, context);
  }

  /** One item of the caller, for the newer handler. Rejects with what its reader is to see. */
  async #itemUp(item: unknown, index: number, context: Context): Promise<unknown> {
    const made = await this.#up(this.#conversion.up, item, context);
    const checked = validate(this.#newer.declared.in, made);
    const valid = isPending(checked) ? await checked : checked;
    if (valid.issues === undefined) return valid.value;
    const reason = `the item at index ${index} does not match ${this.#name}, which serves it: ${explain(valid.issues)}`;
    const failure = systemError("INVALID_ARGUMENT", reason, { executed: "yes" });
    const items = currentContext()?.items;
    if (items !== undefined) items.failure = failure; // it is the caller's doing, and no incident
    throw failure;
  }

  /** One item, or the answer, of the newer handler, for the caller. */
  async #down(output: unknown, context: Context): Promise<unknown> {
    const { out } = this.#newer.declared;
    if (this.#checkSent) await this.#check("what it gave", out, output);
    const convert = this.#conversion.down;
    return convert === undefined
      ? output
      : convert(out === undefined ? undefined : output, context);
  }

  /**
   * What the caller is to see of what the newer handler threw: throws it, or gives the answer that stands in its place. What
   * the newer contract does not declare passes as it is.
   */
  async #thrown(exception: unknown, context: Context): Promise<unknown> {
    if (!isDeclaredBy(this.#newer, exception)) throw exception;
    const { code, data } = exception;
    const schema = this.#newer.declared.errors[code];
    if (this.#checkSent) await this.#check(`the data of ${code}`, schema, data);
    const convert = this.#conversion.errors?.[code] ?? this.#sameError(code);
    if (convert === undefined) throw exception;
    const answer = await convert(data, context);
    if (isDeclaredBy(this.#older, answer)) throw answer;
    return answer;
  }

  async #ask(input: unknown, own: Context, context: Context): Promise<unknown> {
    const handlers = this.#handlers as Record<string, (input: unknown, own: Context) => unknown>;
    let output: unknown;
    try {
      output = await handlers[this.#newer.name]!(input, own);
    } catch (exception) {
      return this.#thrown(exception, context);
    }
    if (kinds[this.#newer.declared.kind].answers !== "many") return this.#down(output, context);
    if (!isItems(output)) throw new TypeError("the handler did not return an iterable of items");
    return convertedOutput(
      output,
      (item) => this.#down(item, context),
      (exception) => this.#thrown(exception, context),
    );
  }

  #up(convert: Convert | undefined, value: unknown, context: Context): unknown {
    return convert === undefined ? value : convert(value, context);
  }

  async #read(first: unknown, context: Context): Promise<unknown> {
    const checked = validate(this.#newer.first, first);
    const valid = isPending(checked) ? await checked : checked;
    if (valid.issues === undefined) return valid.value;
    throw context.refuse(
      "INVALID_ARGUMENT",
      `the ${this.#newer.firstName} does not match ${this.#name}, which serves it: ${explain(valid.issues)}`,
    );
  }

  /**
   * Waits for those of its key that ask either version, and lets the next one begin when all is over. Who need not be answered
   * any more is not begun after the wait.
   */
  async #turn(first: unknown, context: Context): Promise<void> {
    const { key: path } = this.#newer.declared;
    const key = path === undefined ? undefined : keyAt(path, first);
    const served = currentContext();
    if (key === undefined || served === undefined) return;
    const order = this.#orderOf(this.#newer) ?? this.#ownOrder;
    const over = Promise.withResolvers<void>();
    const begun = Promise.withResolvers<void>();
    void order.run(key, () => {
      begun.resolve();
      return over.promise;
    });
    served.atEnd(over.resolve);
    await begun.promise;
    if (!context.signal.aborted) return;
    const { code } = context.signal.reason as SystemError;
    throw context.refuse(code, "it was not wanted any more when its turn came");
  }

  #sameError(code: string): Convert | undefined {
    if (!Object.hasOwn(this.#older.declared.errors, code)) return undefined;
    return (data, context) =>
      (context as unknown as { readonly errors: Record<string, (data: unknown) => unknown> })
        .errors[code]!(data);
  }

  async #check(what: string, schema: Schema | undefined, value: unknown): Promise<void> {
    const checked = validate(schema, value);
    const { issues } = isPending(checked) ? await checked : checked;
    if (issues !== undefined)
      throw new TypeError(`${what} does not match ${this.#name}: ${explain(issues)}`);
  }

  /** `orders@2.place` */
  get #name(): string {
    const { owner, member } = this.#newer.operation;
    return `${owner.name}@${owner.major}.${member}`;
  }
}
