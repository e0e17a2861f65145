import type { JsonSchema } from "../../base/contract-shape.ts";
import { attribute } from "../../broker/attributes.ts";

const text: JsonSchema = { type: "string", minLength: 1 };

/** What each attribute of an envelope says, in the words of CloudEvents 1.0; the first three are required, as is `specversion`. */
const attributes: Readonly<Record<string, JsonSchema>> = {
  id: { ...text, description: "Unique for its source, and the same for every delivery." },
  source: { ...text, format: "uri-reference", description: "Who sends it." },
  type: { ...text, description: "What happened or is wanted." },
  subject: { type: "string", description: "The key by which messages keep their order." },
  time: { type: "string", format: "date-time", description: "When it was made." },
  [attribute.traceparent]: { type: "string", description: "W3C Trace Context of who sent it." },
  [attribute.tracestate]: { type: "string" },
  [attribute.partitionkey]: {
    type: "string",
    description: "By what it finds its part of the channel, where that is not its subject.",
  },
  [attribute.expirytime]: {
    type: "string",
    format: "date-time",
    description: "After this nobody wants it any more.",
  },
  [attribute.schemaversion]: {
    type: "string",
    description: "The full version of the contract that it was made by.",
  },
  [attribute.idempotencykey]: {
    type: "string",
    description: "The same for every repetition of one request.",
  },
  [attribute.lane]: { type: "string", description: "The swim lane that it belongs to." },
};

/** What a request says of where its reply goes. */
const asking: Readonly<Record<string, JsonSchema>> = {
  [attribute.replyto]: { ...text, description: "Where the reply goes." },
};

const answering: Readonly<Record<string, JsonSchema>> = {
  [attribute.correlationid]: { ...text, description: "The id of what it answers." },
  [attribute.outcome]: { ...text, description: "OK, or the code of the failure that it tells." },
  [attribute.answeredby]: { type: "string", description: "The group that answers." },
};

/** What a header of a message is for: it tells, it asks for a reply, it is one. */
export type HeaderRole = "telling" | "asking" | "answering";

/** Before the name of an attribute, in the binding of CloudEvents to each protocol (Kafka 3.2.3.1, AMQP 3.1.3.1). */
const prefixes: Readonly<Record<string, string>> = { kafka: "ce_", amqp: "cloudEvents:" };

/** The protocols whose headers are described, where no server says which. */
export const protocols: readonly string[] = Object.keys(prefixes);

/** The name of the header in which an attribute travels. */
export function headerName(protocol: string, name: string): string {
  return `${prefixes[protocol] ?? ""}${name}`;
}

/** The name of the schema that all headers of a role have on a protocol. */
export function headersName(protocol: string, role: HeaderRole): string {
  const words = { telling: "Event", asking: "Request", answering: "Reply" } as const;
  return `${protocol}${words[role]}Headers`;
}

/** The headers of messages on one protocol, as JSON Schema: of requests and replies what they have beside those of events. */
export function headersSchema(protocol: string, role: HeaderRole): JsonSchema {
  const named = (all: readonly (readonly [string, JsonSchema])[]): JsonSchema =>
    Object.fromEntries(all.map(([name, schema]) => [headerName(protocol, name), schema]));
  const needed = (names: readonly string[]): string[] =>
    names.map((name) => headerName(protocol, name));
  if (role === "telling")
    return {
      type: "object",
      properties: named([
        ["specversion", { const: "1.0", description: "The version of CloudEvents." }],
        ...Object.entries(attributes),
      ]),
      required: needed(["specversion", "id", "source", "type"]),
    };
  return {
    allOf: [{ $ref: `#/components/schemas/${headersName(protocol, "telling")}` }],
    properties: named(Object.entries(role === "asking" ? asking : answering)),
    ...(role === "asking"
      ? {}
      : { required: needed([attribute.correlationid, attribute.outcome]) }),
  };
}
