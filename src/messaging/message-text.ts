import { attribute, attributeName } from "../broker/attributes.ts";
import type { Delivery } from "../broker/broker.ts";
import { attributeBytesMax, type Envelope } from "../broker/envelope.ts";
import { milliseconds, type Duration } from "../base/duration.ts";
import type { Env } from "../base/env.ts";
import { systemError } from "../base/error.ts";
import { uuidv7 } from "../base/id.ts";
import { timestamp } from "../base/timestamp.ts";
import { beginTrace, childTrace } from "../base/trace.ts";
import type { Member } from "../call/compile.ts";
import { currentContext } from "../call/served-context.ts";
import { keyAt } from "../contract/key.ts";

/** What a sender says of a message beside its data. */
export interface EnvelopeTerms {
  /** Who sends it, a URI reference. */
  readonly source: string;
  readonly id?: string | undefined;
  readonly attributes?: Readonly<Record<string, string>> | undefined;
  readonly expires?: Duration | undefined;
  readonly lane?: string | undefined;
  /** Attributes that Trunkline itself sets. */
  readonly own?: Readonly<Record<string, string>> | undefined;
}

const contentTypes = { json: "application/json", raw: "application/octet-stream" } as const;

/** The attributes that Trunkline writes itself: who sends may not. */
const own: ReadonlySet<string> = new Set(Object.values(attribute));
/** Those among them that who sends may set all the same. */
const theirs: ReadonlySet<string> = new Set([attribute.partitionkey, attribute.sequence]);
const coreAttributes: ReadonlySet<string> = new Set([
  "id",
  "type",
  "source",
  "subject",
  "time",
  "specversion",
  "datacontenttype",
  "dataschema",
  "data",
]);

/**
 * Writes a value as the message of its operation. The key is read from the value; trace and lane come from the call that is being
 * served. Throws INVALID_ARGUMENT, `executed: "no"`, for what cannot be written.
 */
export function composeEnvelope(
  { operation, declared }: Member,
  value: unknown,
  terms: EnvelopeTerms,
  env: Env,
): Envelope {
  const context = currentContext();
  const parent = context === undefined || context.settled ? undefined : context;
  const trace = parent === undefined ? beginTrace(env) : childTrace(parent.trace, env);
  const now = env.wall();
  const lane = terms.lane ?? parent?.lane;
  checkAttributes(terms.attributes, operation.name);
  return {
    id: terms.id ?? uuidv7(env),
    type: operation.name,
    source: terms.source,
    subject: declared.key === undefined ? undefined : keyAt(declared.key, value),
    time: now,
    contentType: contentTypes[declared.codec.in],
    attributes: {
      ...terms.attributes,
      ...terms.own,
      [attribute.traceparent]: trace.traceparent,
      [attribute.schemaversion]: operation.version,
      ...(lane === undefined ? {} : { [attribute.lane]: lane }),
      ...(terms.expires === undefined
        ? {}
        : { [attribute.expirytime]: timestamp(now + milliseconds(terms.expires)) }),
    },
    data: encoded(operation.input.encode(value)),
  };
}

function encoded(text: string | Uint8Array): Uint8Array {
  return typeof text === "string" ? Buffer.from(text) : text;
}

/** Whether nobody wants it any more. */
export function isExpired({ attributes }: Envelope, nowWall: number): boolean {
  const text = attributes[attribute.expirytime];
  return text !== undefined && Date.parse(text) <= nowWall;
}

/** The data as it came; throws when it is not what its operation's codec writes. */
export function dataOf({ operation }: Member, { envelope }: Pick<Delivery, "envelope">): unknown {
  const { buffer, byteOffset, byteLength } = envelope.data;
  const memory = Buffer.from(buffer, byteOffset, byteLength);
  return operation.input.decode(memory, 0, byteLength);
}

/** @throws TrunklineError INVALID_ARGUMENT for attributes that CloudEvents does not allow, or that are not the sender's to set. */
function checkAttributes(
  attributes: Readonly<Record<string, unknown>> | undefined,
  operation: string,
): void {
  if (attributes === undefined) return;
  let bytes = 0;
  for (const [name, value] of Object.entries(attributes)) {
    const problem = !attributeName.test(name)
      ? "must have a name of 1 to 20 lower-case letters and digits"
      : coreAttributes.has(name) || (own.has(name) && !theirs.has(name))
        ? "is set by Trunkline itself"
        : typeof value !== "string"
          ? "must be text"
          : undefined;
    if (problem !== undefined)
      throw systemError("INVALID_ARGUMENT", `the attribute ${JSON.stringify(name)} ${problem}`, {
        executed: "no",
        operation,
      });
    bytes += name.length + Buffer.byteLength(value as string);
  }
  if (bytes > attributeBytesMax)
    throw systemError(
      "INVALID_ARGUMENT",
      `the attributes have ${bytes} bytes; ${attributeBytesMax} are allowed`,
      { executed: "no", operation },
    );
}
