import type { JsonSchema } from "../../base/contract-shape.ts";

const text: JsonSchema = { type: "string" };
const headerName: JsonSchema = {
  type: "string",
  pattern: "^[a-z0-9!#$%&'*+.^_`|~-]+$",
  description: "a header's name in lower case",
};
const duration: JsonSchema = {
  anyOf: [
    {
      type: "string",
      pattern: "^\\d+(?:\\.\\d+)?(?:ms|s|m|h)$",
      description: 'a duration as in "200ms", "5s", "2m"',
    },
    { type: "number", minimum: 0 },
  ],
};
const texts: JsonSchema = { type: "array", items: text, minItems: 1 };
const textOrTexts: JsonSchema = { anyOf: [text, texts] };
const truth: JsonSchema = { type: "boolean" };
const count: JsonSchema = { type: "integer", minimum: 1 };

function closed(
  properties: Readonly<Record<string, JsonSchema>>,
  required: readonly string[] = [],
): JsonSchema {
  return { type: "object", additionalProperties: false, properties, required };
}

function by(value: JsonSchema): JsonSchema {
  return { type: "object", additionalProperties: value };
}

const key: JsonSchema = {
  anyOf: [
    { type: "string", enum: ["peer", "caller", "all"] },
    {
      type: "object",
      additionalProperties: false,
      properties: { header: headerName, cookie: text },
      minProperties: 1,
    },
  ],
};

const rules: JsonSchema = closed({
  set: by(text),
  add: by(text),
  remove: { type: "array", items: headerName },
});

const target: JsonSchema = closed({ address: text, weight: { type: "number", minimum: 0 } }, [
  "address",
]);

const route: JsonSchema = closed(
  {
    name: text,
    match: closed({
      operation: textOrTexts,
      path: text,
      host: textOrTexts,
      methods: texts,
      headers: by({ anyOf: [text, { type: "boolean", enum: [true] }] }),
    }),
    to: { anyOf: [text, { type: "array", minItems: 1, items: { anyOf: [text, target] } }] },
    compose: {
      type: "object",
      minProperties: 1,
      additionalProperties: closed({ operation: text, input: {}, optional: truth }, ["operation"]),
    },
    sticky: key,
    mirror: closed(
      {
        to: text,
        share: { type: "number", minimum: 0, maximum: 1 },
        outstandingMax: count,
        perSecond: { type: "number", exclusiveMinimum: 0 },
        busyAt: { type: "integer", minimum: 0 },
        deadline: duration,
      },
      ["to"],
    ),
    collapse: {
      anyOf: [truth, closed({ headers: { type: "array", items: headerName } }, ["headers"])],
    },
    limit: closed(
      {
        by: key,
        perSecond: { type: "number", exclusiveMinimum: 0 },
        burst: { type: "number", minimum: 1 },
        keysMax: { type: "integer", minimum: 1, maximum: 1_000_000 },
      },
      ["perSecond"],
    ),
    headers: closed({ request: rules, response: rules }),
    deadline: duration,
    retry: truth,
    bodyBytesMax: { type: "integer", minimum: 0 },
    strip: {
      type: "string",
      pattern: "^(?:/[^/?#]+)+$",
      description: 'the beginning of a path, as in "/api"',
    },
  },
  ["match"],
);

/** The file of a gateway, in JSON Schema 2020-12: for editors, and by it the file is checked. */
export const gatewaySchema: JsonSchema = {
  $schema: "https://json-schema.org/draft/2020-12/schema",
  title: "Trunkline gateway",
  $defs: { route },
  ...closed(
    {
      $schema: text,
      name: text,
      listen: textOrTexts,
      insecure: truth,
      contracts: { type: "array", items: text },
      routes: { type: "array", items: { $ref: "#/$defs/route" } },
      tls: closed({
        cert: text,
        key: text,
        ca: text,
        clientCertificate: { type: "string", enum: ["none", "optional", "required"] },
      }),
      upstream: closed({
        discovery: text,
        lane: text,
        connectWait: duration,
        outstandingMax: count,
        itemBytesMax: count,
        locality: closed({ region: text, zone: text }),
      }),
      stop: closed({ readiness: duration, drain: duration }),
      inFlightMax: count,
      itemBytesMax: count,
      connectionsMax: count,
      requestWithin: duration,
      reflection: truth,
      register: {
        anyOf: [
          truth,
          closed({
            discovery: text,
            ttl: duration,
            id: text,
            lane: text,
            weight: { type: "number", exclusiveMinimum: 0 },
            locality: closed({ region: text, zone: text }),
            addresses: texts,
            required: truth,
          }),
        ],
      },
    },
    ["listen", "routes"],
  ),
};
