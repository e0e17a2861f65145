import { isBytes, type JsonSchema, type OperationShape } from "../../base/contract-shape.ts";
import { attribute } from "../../broker/attributes.ts";
import type { Channel } from "../../broker/channel.ts";
import type { Components } from "../../protocol/rest/openapi/components.ts";
import { fieldOf, resolved } from "../../protocol/rest/openapi/subset.ts";
import { toDraft07 } from "../../schema/draft-07.ts";
import { messageBindings } from "./bindings.ts";
import { headerName, headersName, type HeaderRole } from "./headers.ts";

/** An operation of a contract, where it stands in the document. */
export interface Described {
  readonly contract: string;
  readonly version: string;
  readonly member: string;
  /** `orders.placed`; of several major versions of a contract `orders.v2.placed`. */
  readonly id: string;
  /** The type of its messages: `orders.placed`. */
  readonly type: string;
  readonly shape: OperationShape;
  readonly channel: Channel;
}

export type Fields = Readonly<Record<string, unknown>>;

/** What a message tells beside its type: its payload, and who reads its headers for what. */
interface MessageTerms {
  readonly name: string;
  readonly title: string;
  /** In the words of the document. */
  readonly payload: JsonSchema | undefined;
  readonly role: HeaderRole;
  readonly key?: JsonSchema | undefined;
  readonly about?: string | undefined;
  readonly own?: Fields;
}

/** Makes message objects; what has fields stands among the schemas of the document. */
export class Messages {
  readonly #components: Components;
  readonly #protocols: readonly string[];

  constructor(components: Components, protocols: readonly string[]) {
    this.#components = components;
    this.#protocols = protocols;
  }

  /** What is sent by an operation: the event, the document, the command, the question. */
  request({ member, type, shape }: Described): Fields {
    const { in: payload, key, description } = shape;
    return this.#message({
      name: type,
      title: member,
      payload: this.#placed(payload, [type]),
      role: answered(shape) ? "asking" : "telling",
      key: key === undefined || payload === undefined ? undefined : keySchema(payload, key),
      about: description,
    });
  }

  /** What comes back: the reply by the name `reply`, each declared error by its code, any other failure as `failed`. */
  replies({ member, type, shape }: Described): Readonly<Record<string, Fields>> {
    if (!answered(shape)) return {};
    const name = `${type}.reply`;
    const common = { name, role: "answering" } as const;
    const failures = Object.entries(shape.errors ?? {}).map(([code, data]) => [
      code,
      this.#message({
        ...common,
        title: `${member} failed with ${code}`,
        payload: failure({ const: code }, this.#placed(data ?? undefined, errorNames(type, code))),
        own: { code },
      }),
    ]);
    return {
      reply: this.#message({
        ...common,
        title: `the reply to ${member}`,
        payload: this.#placed(shape.out, [`${type} output`]),
      }),
      ...Object.fromEntries(failures),
      failed: this.#message({
        ...common,
        title: `${member} failed`,
        payload: { $ref: "#/components/schemas/Failure" },
        own: { failure: true },
      }),
    };
  }

  #message({ name, title, payload, role, key, about, own }: MessageTerms): Fields {
    const [first, ...others] = this.#protocols.map((protocol) => ({
      $ref: `#/components/schemas/${headersName(protocol, role)}`,
    }));
    const only = others.length === 0 ? this.#protocols[0] : undefined;
    // With the prefixes of several protocols there is no one place to name.
    const place = role === "answering" ? attribute.correlationid : "id";
    return {
      name,
      title,
      ...(about === undefined ? {} : { description: about }),
      contentType: isBytes(payload) ? "application/octet-stream" : "application/json",
      headers: others.length === 0 ? first : { anyOf: [first, ...others] },
      ...(only === undefined || role === "telling"
        ? {}
        : { correlationId: { location: `$message.header#/${headerName(only, place)}` } }),
      ...(payload === undefined ? {} : { payload }),
      bindings: messageBindings(name, key && toDraft07(key), this.#protocols),
      ...(own === undefined ? {} : { "x-trunkline": own }),
    };
  }

  #placed(schema: JsonSchema | undefined, names: readonly string[]): JsonSchema | undefined {
    if (schema === undefined || isBytes(schema)) return schema;
    return toDraft07(this.#components.place(schema, names));
  }
}

/** By what names the schemas of an operation could go, the best first: told to `Components` before any is placed. */
export function uses({ type, shape }: Described): readonly (readonly [JsonSchema, string[]])[] {
  const { in: input, out, errors = {} } = shape;
  const own: (readonly [JsonSchema | null | undefined, string[]])[] = [
    [input, [type]],
    [out, [`${type} output`]],
    ...Object.entries(errors).map(([code, data]) => [data, errorNames(type, code)] as const),
  ];
  return own.flatMap(([schema, names]) =>
    schema === undefined || schema === null || isBytes(schema) ? [] : [[schema, names] as const],
  );
}

function errorNames(type: string, code: string): string[] {
  const words = code.toLowerCase().replaceAll("_", " ");
  return [words, `${type} ${words}`];
}

/** True where something comes back. */
export function answered({ kind }: OperationShape): boolean {
  return kind === "command" || kind === "gather";
}

/** The field by which order is kept, as it stands in the payload. */
function keySchema(payload: JsonSchema, path: string): JsonSchema {
  let schema = payload;
  for (const field of path.split(".")) schema = fieldOf(schema, field);
  const { type, format, pattern, enum: allowed } = resolved(schema);
  const told = Object.entries({ type, format, pattern, enum: allowed });
  return Object.fromEntries(told.filter(([, value]) => value !== undefined));
}

/** How a failure travels: of one that is declared its code is known, and its data. */
export function failure(code: JsonSchema, data: JsonSchema | undefined): JsonSchema {
  return {
    type: "object",
    description: "Why nothing came of it.",
    properties: {
      code,
      executed: {
        enum: ["no", "maybe", "yes"],
        description: "Whether the work was done. After no it is safe to try again.",
      },
      reason: { type: "string", description: "What happened, for people." },
      ...(data === undefined ? {} : { data }),
    },
    required: ["code", "executed", ...(data === undefined ? [] : ["data"])],
  };
}
