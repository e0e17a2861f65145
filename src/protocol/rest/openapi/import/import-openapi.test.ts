import { deepEqual, equal, match, ok, throws } from "node:assert/strict";
import { suite, test } from "node:test";
import * as fc from "fast-check";
import { isTrunklineError } from "../../../../base/error.ts";
import { describe, info } from "../../../../contract/index.ts";
import { routesOf } from "../../binding/routes.ts";
import { importOpenApi, type ImportedApi } from "./import-openapi.ts";
import { moduleText } from "./module-text.ts";
import { planImport } from "./plan.ts";

type Parts = Readonly<Record<string, unknown>>;

function document(paths: Parts, more: Parts = {}): Parts {
  return { openapi: "3.1.0", info: { title: "Pets", version: "1.0.0" }, paths, ...more };
}

/** A document of one operation, `GET /pets/{petId}` unless said otherwise. */
function one(operation: Parts, path: string = "/pets", method: string = "get"): ImportedApi {
  const responses = { "200": { description: "ok" } };
  return importOpenApi(
    document({ [path]: { [method]: { operationId: "op", responses, ...operation } } }),
  );
}

function json(schema: unknown): Parts {
  return { content: { "application/json": { schema } } };
}

function shapeOf({ contract }: ImportedApi): Parts {
  const { digest: _, ...shape } = describe(contract).operations["op"] as unknown as Parts;
  return shape;
}

function routeOf({ contract, binding }: ImportedApi) {
  return routesOf(describe(contract), binding.terms)[0]!;
}

suite("where things come from", () => {
  test("name, version and base", () => {
    const servers = [{ url: "https://{host}/api/{v}/", variables: { v: { default: "v3" } } }];
    const api = importOpenApi(
      document({}, { servers, info: { title: "Pet Store - 2", version: "v2.1-beta" } }),
    );
    deepEqual([api.contract[info].name, api.contract[info].version], ["pet-store-2", "2.1.0"]);
    equal(api.binding.terms.base, "/api/v3");
    equal(importOpenApi(document({}), { name: "own", base: "/x" }).binding.terms.base, "/x");
  });

  test("names of operations", () => {
    const get = { responses: {} };
    const paths = {
      "/a": { get: { ...get, operationId: "actions/list-jobs" } },
      "/b": { get: { ...get, operationId: "then" } },
      "/c": { get: { ...get, operationId: "GETThing" } },
      "/d/{dId}": { get, post: { ...get, operationId: "42" } },
      "/e": { get: { ...get, operationId: "actionsListJobs" } },
    };
    deepEqual(Object.keys(importOpenApi(document(paths)).contract), [
      "actionsListJobs",
      "thenIt",
      "getThing",
      "getDByDId",
      "postDByDId",
      "actionsListJobs2",
    ]);
  });

  test("GET, PUT and DELETE are idempotent, others are not, a key makes them so", () => {
    const kinds = ["get", "put", "delete", "post", "patch"].map(
      (method) => shapeOf(one({}, "/pets", method))["idempotent"],
    );
    deepEqual(kinds, [true, true, true, false, false]);
    const parameters = [{ name: "Idempotency-Key", in: "header", schema: { type: "string" } }];
    equal(shapeOf(one({ parameters }, "/pets", "post"))["idempotent"], "by-key");
  });
});

suite("what goes in", () => {
  test("parameters are the fields of the input, by their own names", () => {
    const parameters = [
      { name: "pet-id", in: "path", required: true, schema: { type: "integer" } },
      { name: "page[size]", in: "query", schema: { type: "integer", minimum: 1 } },
      { name: "tags", in: "query", schema: { type: "array", items: { type: "string" } } },
      { name: "X-Tenant", in: "header", required: true, schema: { type: "string" } },
      { name: "Authorization", in: "header", schema: { type: "string" } },
    ];
    const api = one({ parameters }, "/pets/{pet-id}");
    deepEqual(api.warnings, []);
    deepEqual(shapeOf(api)["in"], {
      type: "object",
      properties: {
        "pet-id": { type: "integer" },
        "page[size]": { type: "integer", minimum: 1 },
        tags: { type: "array", items: { type: "string" } },
        "X-Tenant": { type: "string" },
      },
      required: ["pet-id", "X-Tenant"],
    });
    deepEqual(
      routeOf(api).params.map(({ in: where, name, field }) => [where, name, field]),
      [
        ["path", "pet-id", "pet-id"],
        ["header", "X-Tenant", "X-Tenant"],
        ["query", "page[size]", "page[size]"],
        ["query", "tags", "tags"],
      ],
    );
  });

  test("a body alone is the input; beside parameters it is the field body", () => {
    const requestBody = { required: true, ...json({ $ref: "#/components/schemas/Pet" }) };
    const components = { schemas: { Pet: { type: "object", properties: { name: {} } } } };
    const put = { operationId: "op", requestBody, responses: {} };
    const alone = importOpenApi(document({ "/pets": { put } }, { components }));
    deepEqual(shapeOf(alone)["in"], {
      $ref: "#/$defs/Pet",
      $defs: { Pet: { type: "object", properties: { name: {} } } },
    });
    const parameters = [{ name: "id", in: "path", required: true, schema: { type: "string" } }];
    const beside = importOpenApi(
      document({ "/pets/{id}": { put: { ...put, parameters } } }, { components }),
    );
    const { properties, required } = shapeOf(beside)["in"] as Parts;
    deepEqual(Object.keys(properties as Parts), ["id", "body"]);
    deepEqual(required, ["id", "body"]);
    equal(routeOf(beside).bodyField, "body");
  });

  test("bytes beside parameters are an upload, alone they are the input", () => {
    const requestBody = { required: true, content: { "image/png": {} } };
    const parameters = [{ name: "id", in: "path", required: true, schema: { type: "string" } }];
    const upload = shapeOf(one({ requestBody, parameters }, "/pets/{id}", "put"));
    equal(upload["kind"], "upload");
    deepEqual(upload["in"], { contentMediaType: "application/octet-stream" });
    equal(shapeOf(one({ requestBody }, "/pets", "post"))["kind"], "call");
  });

  test("what only the server or only the client sets may be left out", () => {
    const schema = {
      type: "object",
      properties: { id: { type: "string", readOnly: true }, name: { type: "string" } },
      required: ["id", "name"],
    };
    const { in: input } = shapeOf(one({ requestBody: json(schema) }, "/pets", "post"));
    deepEqual((input as Parts)["required"], ["name"]);
  });
});

suite("what comes out", () => {
  test("the first success is the answer, failures by status are declared errors", () => {
    const api = one({
      responses: {
        "201": { description: "", ...json({ type: "string" }) },
        "404": { description: "", ...json({ type: "object", properties: { why: {} } }) },
        "409": { description: "" },
        "401": { description: "", ...json({}) },
        "500": { description: "", ...json({}) },
        default: { description: "", ...json({}) },
      },
    });
    const { out, errors } = shapeOf(api);
    deepEqual(out, { type: "string" });
    deepEqual(errors, {
      NOT_FOUND: { type: "object", properties: { why: {} } },
      CONFLICT: null,
    });
    const { status, errors: statuses } = routeOf(api);
    deepEqual([status, statuses], [201, { NOT_FOUND: 404, CONFLICT: 409 }]);
  });

  test("events and lines are a stream, other media types are bytes", () => {
    const answering = (content: Parts): Parts =>
      shapeOf(one({ responses: { "200": { description: "", content } } }));
    equal(answering({ "text/event-stream": { schema: { type: "integer" } } })["kind"], "stream");
    equal(answering({ "application/x-ndjson": {} })["kind"], "stream");
    deepEqual(answering({ "image/png": {} })["out"], {
      contentMediaType: "application/octet-stream",
    });
    deepEqual(answering({ "application/vnd.api+json; charset=utf-8": {} })["out"], {});
  });
});

suite("what cannot be taken over is left out, and told", () => {
  const cases: [string, Parts, boolean, RegExp][] = [
    [
      "a cookie",
      { parameters: [{ name: "c", in: "cookie", schema: {} }] },
      true,
      /without "c": parameters in cookie/,
    ],
    [
      "a cookie that is needed",
      { parameters: [{ name: "c", in: "cookie", required: true, schema: {} }] },
      false,
      /is left out: "c": parameters in cookie/,
    ],
    [
      "an object in the query",
      { parameters: [{ name: "f", in: "query", style: "deepObject", schema: { type: "object" } }] },
      true,
      /without "f": its value cannot be told as text/,
    ],
    [
      "values with commas",
      {
        parameters: [
          {
            name: "f",
            in: "query",
            explode: false,
            schema: { type: "array", items: { type: "string" } },
          },
        ],
      },
      true,
      /f: several values stand in one text/,
    ],
    [
      "a parameter elsewhere",
      { parameters: [{ $ref: "https://evil.example/p" }] },
      true,
      /lies outside/,
    ],
    ["a body of GET", { requestBody: json({}) }, true, /its body is left out: a GET has no body/],
    [
      "a schema elsewhere",
      { responses: { "200": { description: "", ...json({ $ref: "file:///etc/passwd" }) } } },
      true,
      /points outside the document/,
    ],
    [
      "a schema that is none",
      { responses: { "200": { description: "", ...json({ type: "file" }) } } },
      true,
      /its schema is not checked/,
    ],
    [
      "an answer elsewhere",
      { responses: { "200": { $ref: "#/nowhere" } } },
      false,
      /its answer 200 lies outside/,
    ],
  ];
  for (const [name, operation, there, told] of cases)
    test(name, () => {
      const { contract, warnings } = one(operation);
      equal(Object.hasOwn(contract, "op"), there);
      ok(
        warnings.some((warning) => told.test(warning)),
        warnings.join("\n"),
      );
    });

  test("a form that is needed", () => {
    const requestBody = { required: true, content: { "multipart/form-data": { schema: {} } } };
    const { contract, warnings } = one({ requestBody }, "/pets", "post");
    deepEqual([Object.keys(contract), warnings.length], [[], 1]);
  });

  test("two operations at one place", () => {
    const get = { responses: {} };
    const { contract, warnings } = importOpenApi(
      document({ "/a/{b}": { get }, "/a/{c}": { get } }),
    );
    equal(Object.keys(contract).length, 1);
    match(warnings.join("\n"), /another operation has the same place|no field/);
  });
});

suite("documents that nobody means", () => {
  const refusals: [string, unknown, RegExp][] = [
    ["nothing", undefined, /an OpenAPI document is an object/],
    ["a list", [], /an OpenAPI document is an object/],
    ["YAML", "openapi: 3.0.0\n", /not JSON[^]*npx js-yaml/],
    ["broken JSON", "{", /is not JSON/],
    ["another document", { a: 1 }, /does not say `openapi`/],
    ["Swagger", { swagger: "2.0" }, /OpenAPI "2.0" is not read, 3.0 and 3.1 are/],
    ["the future", { openapi: "4.0.0" }, /not read/],
  ];
  for (const [name, given, told] of refusals)
    test(`${name} is refused`, () =>
      throws(
        () => importOpenApi(given),
        (error) =>
          isTrunklineError(error) && error.code === "INVALID_ARGUMENT" && told.test(error.message),
      ));

  test("circles end", () => {
    const schemas = {
      A: { $ref: "#/components/schemas/B" },
      B: { $ref: "#/components/schemas/A" },
    };
    const parameters = { p: { $ref: "#/components/parameters/p" } };
    const get = {
      operationId: "op",
      parameters: [{ $ref: "#/components/parameters/p" }],
      responses: { "200": { description: "", ...json({ $ref: "#/components/schemas/A" }) } },
    };
    const circular = document(
      { "/a": { get }, "/b": { $ref: "#/paths/~1b" } },
      { components: { schemas, parameters } },
    );
    deepEqual(Object.keys(importOpenApi(circular).contract), ["op"]);
    ok(moduleText(planImport(circular), "x").includes("op: call("));
  });

  test("depth is bounded, and so is a chain of definitions", () => {
    let deep: unknown = { type: "string" };
    for (let depth = 0; depth < 20_000; depth++) deep = { items: deep };
    const { warnings } = one({ responses: { "200": { description: "", ...json(deep) } } });
    match(warnings.join("\n"), /deeper than/);
    const schemas = Object.fromEntries(
      Array.from({ length: 19_000 }, (_, index) => [
        `S${index}`,
        { properties: { next: { $ref: `#/components/schemas/S${index + 1}` } } },
      ]),
    );
    const get = {
      operationId: "op",
      responses: { "200": { description: "", ...json({ $ref: "#/components/schemas/S0" }) } },
    };
    const plan = planImport(document({ "/a": { get } }, { components: { schemas } }));
    equal(Object.keys(plan.definitions).length, 19_000);
  });

  test("names that every object has are names like any other", () => {
    const text = JSON.stringify(
      document(
        { "/constructor": { get: { operationId: "op", responses: {} } } },
        { components: { schemas: { constructor: { type: "object" } } } },
      ),
    ).replace(
      '"responses":{}',
      `"responses":{"200":{"description":"","content":{"application/json":{"schema":{"$ref":"#/components/schemas/constructor"}}}},"__proto__":{}}`,
    );
    deepEqual(Object.keys(importOpenApi(text).contract), ["op"]);
    equal(({} as Parts)["polluted"], undefined);
  });
});

test("whatever a document holds, it is a contract or a typed refusal", { timeout: 120_000 }, () => {
  const words = fc.constantFrom(
    "openapi",
    "3.1.0",
    "3.0.0",
    "paths",
    "/a",
    "/a/{b}",
    "get",
    "post",
    "parameters",
    "requestBody",
    "responses",
    "200",
    "404",
    "default",
    "content",
    "application/json",
    "text/event-stream",
    "schema",
    "$ref",
    "#",
    "#/paths",
    "#/components/schemas/A",
    "components",
    "schemas",
    "A",
    "type",
    "object",
    "array",
    "string",
    "properties",
    "items",
    "required",
    "allOf",
    "anyOf",
    "enum",
    "in",
    "name",
    "path",
    "query",
    "header",
    "info",
    "title",
    "version",
    "servers",
    "url",
    "__proto__",
    "constructor",
    "x-trunkline",
    "kind",
    "upload",
    "*/ evil()",
    "b",
    "x-trunkline-field",
    "x-trunkline-head",
    "input",
    "pattern",
    "(",
    "operationId",
    "security",
    "style",
    "explode",
  );
  const { value } = fc.letrec<{ value: unknown }>((tie) => ({
    value: fc.oneof(
      { maxDepth: 8, depthSize: "large" },
      words,
      fc.constantFrom<unknown>(null, true, 0, -1, ""),
      fc.array(tie("value"), { maxLength: 3 }),
      fc.dictionary(words, tie("value"), { maxKeys: 6 }),
    ),
  }));
  const shaped = fc.record({
    openapi: fc.constantFrom("3.1.0", "3.0.0"),
    info: value,
    servers: value,
    components: fc.record({ schemas: fc.dictionary(words, value), parameters: value }),
    paths: fc.dictionary(
      fc.constantFrom("/a", "/a/{b}", "/c/{b}.{d}", "bad", "/x y"),
      fc.dictionary(
        fc.constantFrom("get", "post", "delete", "parameters", "$ref"),
        fc.oneof(
          value,
          fc.record(
            {
              operationId: value,
              parameters: fc.array(
                fc.record({ name: words, in: words, schema: value, required: value }),
              ),
              requestBody: fc.record({
                content: fc.dictionary(words, fc.record({ schema: value })),
              }),
              responses: fc.dictionary(
                words,
                fc.record({ content: fc.dictionary(words, fc.record({ schema: value })) }),
              ),
              "x-trunkline": value,
            },
            { requiredKeys: [] },
          ),
        ),
      ),
    ),
  });
  fc.assert(
    fc.property(fc.oneof(value, shaped), (given) => {
      try {
        const plan = planImport(given);
        moduleText(plan, "hostile.json");
        importOpenApi(given);
      } catch (error) {
        if (!isTrunklineError(error) || error.code !== "INVALID_ARGUMENT") throw error;
      }
    }),
    { numRuns: 300 },
  );
});
