// Requests that follow from the document that a process serves: those that it describes are never refused, those that it does not describe
// never break anything, and every answer is as it is described.
import { deepEqual, equal, ok } from "node:assert/strict";
import { after, before, suite, test } from "node:test";
import * as fc from "fast-check";
import {
  bytes,
  call,
  chassis,
  contract,
  notification,
  serve,
  stream,
  upload,
  type Chassis,
} from "trunkline";
import { rest } from "trunkline/protocol/rest";
import { jsonSchema } from "trunkline/schema";
import * as z from "zod";

interface Tree {
  name: string;
  kids: Tree[];
}
const Tree: z.ZodType<Tree, Tree> = z.lazy(() =>
  z.object({ name: z.string(), kids: z.array(Tree) }),
);
const Thing = z.object({
  id: z.string(),
  count: z.int().min(0).max(1000),
  share: z.number().optional(),
  colour: z.enum(["red", "green"]).nullable(),
  when: z.iso.datetime().optional(),
  tags: z.array(z.string().max(5)).max(3),
  tree: Tree.optional(),
  rest: z.record(z.string(), z.union([z.string(), z.boolean()])),
});

const Things = contract(
  "things",
  { version: "1.0.0" },
  {
    add: call({
      in: Thing.omit({ id: true }),
      out: Thing,
      errors: { TAKEN: Tree, FULL: undefined },
    }),
    get: call({ in: z.string(), out: Thing, errors: { NOT_FOUND: z.string() }, idempotent: true }),
    list: call({
      in: z.object({
        page: z.int().min(1).optional(),
        exact: z.boolean().optional(),
        colours: z.array(z.enum(["red", "green"])).optional(),
        below: z.number(),
      }),
      out: z.array(Thing),
      idempotent: true,
    }),
    update: call({ in: Thing.partial().required({ id: true }), out: Thing }),
    remove: call({ in: z.object({ id: z.int() }), errors: { NOT_FOUND: z.int() } }),
    watch: stream({ in: z.string(), out: Thing }),
    load: upload({ in: Thing, out: z.object({ loaded: z.int() }) }),
    photo: call({ in: bytes(), out: bytes() }),
    picture: upload({
      head: z.object({ id: z.string(), width: z.int() }),
      in: bytes(),
      out: z.int(),
    }),
    touched: notification({ in: z.object({ id: z.string(), how: Tree }) }),
    plain: call({ in: z.string().max(20), out: z.union([z.string(), z.null()]) }),
  },
);

const thing = (id: string): z.infer<typeof Thing> => ({
  id,
  count: 1,
  colour: null,
  tags: ["a"],
  tree: { name: "x", kids: [] },
  rest: { a: true },
});

const things = serve(Things, {
  add(given, { errors }) {
    if (given.count === 7) throw errors.TAKEN({ name: "seven", kids: [] });
    if (given.count === 8) throw errors.FULL();
    return { ...given, id: "1" };
  },
  get(id, { errors }) {
    if (id.startsWith("x")) throw errors.NOT_FOUND(id);
    return thing(id);
  },
  list: ({ page = 1 }) => Array.from({ length: page % 3 }, (_, index) => thing(`${index}`)),
  update: ({ id }) => thing(id),
  remove({ id }, { errors }) {
    if (id < 0) throw errors.NOT_FOUND(id);
  },
  async *watch(id) {
    for (let index = 0; index < 3; index++) yield thing(`${id}-${index}`);
  },
  async load(items) {
    let loaded = 0;
    for await (const _ of items) loaded++;
    return { loaded };
  },
  photo: (given) => given,
  async picture(chunks) {
    let size = 0;
    for await (const chunk of chunks) size += chunk.length;
    return size;
  },
  touched: () => {},
  plain: (text) => (text === "" ? null : text),
});

// oxlint-disable-next-line typescript/no-explicit-any -- a document is dug into
type Dug = any;

/** Values that a schema of the document describes. */
function valuesOf(schema: Dug, document: Dug, depth: number = 0): fc.Arbitrary<unknown> {
  if (schema.$ref !== undefined) {
    const name = schema.$ref.split("/").at(-1);
    return valuesOf(document.components.schemas[name], document, depth + 1);
  }
  if ("const" in schema) return fc.constant(schema.const);
  if (schema.enum !== undefined) return fc.constantFrom(...(schema.enum as unknown[]));
  const choices: Dug[] | undefined = schema.anyOf ?? schema.oneOf;
  if (choices !== undefined)
    return fc.oneof(...choices.map((each) => valuesOf(each, document, depth)));
  if (Array.isArray(schema.type))
    return fc.oneof(
      ...schema.type.map((type: string) => valuesOf({ ...schema, type }, document, depth)),
    );
  switch (schema.type) {
    case "string":
      return textsOf(schema);
    case "integer":
      return fc.integer({
        min: Math.max(schema.minimum ?? -1000, -1000),
        max: Math.min(schema.maximum ?? 1000, 1000),
      });
    case "number":
      return fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => value + 0);
    case "boolean":
      return fc.boolean();
    case "null":
      return fc.constant(null);
    case "array": {
      if (depth > 4) return fc.constant([]);
      const maxLength = Math.min(schema.maxItems ?? 3, 3);
      return fc.array(valuesOf(schema.items ?? {}, document, depth + 1), { maxLength });
    }
    case "object":
      return objectsOf(schema, document, depth);
    default:
      return fc.jsonValue({ maxDepth: 2 });
  }
}

function textsOf(schema: Dug): fc.Arbitrary<unknown> {
  if (schema.format === "date-time")
    return fc
      .date({ min: new Date(0), max: new Date(4e12), noInvalidDate: true })
      .map((date) => date.toISOString());
  return fc.string({
    unit: "binary",
    maxLength: Math.floor(Math.min(schema.maxLength ?? 12, 12) / 2),
  });
}

function objectsOf(schema: Dug, document: Dug, depth: number): fc.Arbitrary<unknown> {
  const fields = Object.entries<Dug>(schema.properties ?? {}).map(
    ([name, field]) => [name, valuesOf(field, document, depth + 1)] as const,
  );
  const named = fc.record(Object.fromEntries(fields), { requiredKeys: schema.required ?? [] });
  if (typeof schema.additionalProperties !== "object") return named;
  const others = fc.dictionary(
    fc.stringMatching(/^[a-z]{1,5}$/),
    valuesOf(schema.additionalProperties, document, depth + 1),
    { maxKeys: 3 },
  );
  return fc.tuple(others, named).map(([some, all]) => ({ ...some, ...all }));
}

interface Asked {
  readonly path: string;
  readonly headers: Record<string, string>;
  readonly body: string | Uint8Array<ArrayBuffer> | undefined;
}

/** Requests of an operation as the document describes it; with `wild`, of its form, and with anything in it. */
function requestsOf(
  path: string,
  operation: Dug,
  document: Dug,
  wild: boolean,
): fc.Arbitrary<Asked> {
  const anything = fc.oneof(
    fc.jsonValue({ maxDepth: 2 }),
    fc.string({ unit: "binary", maxLength: 10 }),
  );
  const valueOf = (schema: Dug): fc.Arbitrary<unknown> =>
    wild ? fc.oneof(anything, valuesOf(schema, document)) : valuesOf(schema, document);
  const parameters = fc.tuple(
    ...((operation.parameters ?? []) as Dug[]).map((parameter) =>
      fc.tuple(
        fc.constant(parameter),
        fc.option(valueOf(parameter.schema), {
          nil: undefined,
          freq: parameter.required ? 1e9 : 3,
        }),
      ),
    ),
  );
  const [type, media] = Object.entries<Dug>(operation.requestBody?.content ?? {})[0] ?? [];
  const body =
    type === undefined ? fc.constant(undefined) : bodiesOf(type, media.schema, document, wild);
  return fc
    .tuple(parameters, body)
    .filter(([given]) =>
      given.every(
        ([{ in: where, required }, value]) =>
          !required || (value !== undefined && (where !== "path" || isSegment(value))),
      ),
    )
    .map(([given, content]) => {
      const query = given
        .filter(([{ in: where }, value]) => where === "query" && value !== undefined)
        .flatMap(([{ name }, value]) =>
          [value].flat().map((each) => `${encoded(name)}=${encoded(each)}`),
        );
      const filled = given
        .filter(([{ in: where }]) => where === "path")
        .reduce((text, [{ name }, value]) => text.replace(`{${name}}`, () => encoded(value)), path);
      return {
        path: query.length === 0 ? filled : `${filled}?${query.join("&")}`,
        headers: type === undefined ? {} : { "content-type": type },
        body: content,
      };
    });
}

/** What a path can carry: `.` and `..` are taken for something else by whoever reads a URL, and nothing is no segment. */
function isSegment(value: unknown): boolean {
  return !["", ".", ".."].includes(textOf(value));
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}

function encoded(value: unknown): string {
  return encodeURIComponent(textOf(value).toWellFormed());
}

function bodiesOf(type: string, schema: Dug, document: Dug, wild: boolean) {
  if (type === "application/octet-stream")
    return fc.uint8Array({ maxLength: 2000 }).map((each) => each.slice());
  const value = wild
    ? fc.oneof(fc.jsonValue({ maxDepth: 3 }), valuesOf(schema, document))
    : valuesOf(schema, document);
  const text =
    type === "application/x-ndjson"
      ? fc
          .array(value, { maxLength: 3 })
          .map((items) => items.map((item) => `${JSON.stringify(item)}\n`).join(""))
      : value.map((each) => JSON.stringify(each));
  return wild ? fc.oneof(text, fc.string({ maxLength: 30 })) : text;
}

suite("requests that follow from the document", () => {
  let app: Chassis;
  let at: string;
  let document: Dug;
  before(async () => {
    app = await chassis({
      name: "things",
      listen: "http://127.0.0.1:0",
      insecure: true,
      signals: false,
      protocols: [rest({ documents: true, except: [] })],
      serve: [things],
    });
    at = app.addresses[0]!;
    document = await (await fetch(`${at}/openapi.json`)).json();
  });
  after(() => app[Symbol.asyncDispose]());

  const places: [method: string, path: string][] = [
    ["post", "/v1/things"],
    ["get", "/v1/things"],
    ["get", "/v1/things/{thingId}"],
    ["patch", "/v1/things/{thingId}"],
    ["delete", "/v1/things/{thingId}"],
    ["get", "/v1/things/{thingId}/watch"],
    ["post", "/v1/things/load"],
    ["post", "/v1/things/photo"],
    ["post", "/v1/things/{thingId}/picture"],
    ["post", "/v1/things/{thingId}/touched"],
    ["post", "/v1/things/{thingId}/plain"],
  ];

  test("are of all its operations", () => {
    const all = Object.entries<Dug>(document.paths).flatMap(([path, item]) =>
      Object.keys(item).map((method) => `${method} ${path}`),
    );
    deepEqual(places.map((place) => place.join(" ")).toSorted(), all.toSorted());
  });

  for (const [method, path] of places) {
    const operation = (): Dug => document.paths[path][method];
    test(`${method} ${path}: what is described is answered as it is described`, async () => {
      await fc.assert(
        fc.asyncProperty(requestsOf(path, operation(), document, false), async (asked) => {
          const answer = await ask(method, asked);
          const text = await answer.text();
          ok(String(answer.status) in operation().responses, `${answer.status} ${text}`);
          described(answer, text, operation());
        }),
        { numRuns: 60 },
      );
    });

    test(`${method} ${path}: what is not described breaks nothing`, async () => {
      await fc.assert(
        fc.asyncProperty(requestsOf(path, operation(), document, true), async (asked) => {
          const answer = await ask(method, asked);
          const text = await answer.text();
          ok(answer.status < 500, `${answer.status} ${text}`);
          described(answer, text, operation());
          const failed = answer.status >= 400 && !(String(answer.status) in operation().responses);
          // What reads its items has begun when one of them is wrong.
          const began = operation()["x-trunkline"].kind === "upload";
          if (failed && !began) equal(answer.headers.get("trunkline-executed"), "no");
        }),
        { numRuns: 100 },
      );
    });
  }

  function ask(method: string, { path, headers, body }: Asked): Promise<Response> {
    return fetch(at + path, {
      method: method.toUpperCase(),
      headers,
      ...(body === undefined ? {} : { body }),
    });
  }

  /** Checks an answer by what the document says of its status. */
  function described(answer: Response, text: string, { responses }: Dug): void {
    const { status } = answer;
    const given = responses[status] ?? responses[`${Math.floor(status / 100)}XX`];
    const response =
      given.$ref === undefined
        ? given
        : document.components.responses[given.$ref.split("/").at(-1)];
    const type = answer.headers.get("content-type")?.split(";")[0];
    if (response.content === undefined) return equal(text, "");
    ok(type !== undefined && type in response.content, `${type} is not described`);
    const { schema } = response.content[type];
    if (type === "application/octet-stream") return;
    const values = type === "application/x-ndjson" ? text.trim().split("\n") : [text];
    for (const value of values) deepEqual(problemsOf(schema, JSON.parse(value)), []);
  }

  function problemsOf(schema: Dug, value: unknown): unknown {
    const moved = (part: unknown): Dug =>
      JSON.parse(JSON.stringify(part).replaceAll("#/components/schemas/", "#/$defs/"));
    const checked = jsonSchema(moved(schema), { definitions: moved(document.components.schemas) });
    const result = checked["~standard"].validate(value) as { issues?: unknown };
    return result.issues ?? [];
  }
});
