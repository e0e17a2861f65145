// OpenAPI against running servers: the documents that a process serves of itself, requests that follow from them, and services of others
// called by their documents.
import { deepEqual, equal, match, ok, rejects } from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { suite, test } from "node:test";
import { pathToFileURL } from "node:url";
import { fastify, type FastifyInstance } from "fastify";
import { call, chassis, client, contract, serve, type ChassisOptions } from "trunkline";
import { importOpenApi, openApi } from "trunkline/openapi";
import { rest, type RestServeOptions } from "trunkline/protocol/rest";
import * as z from "zod";
import { pythonOf } from "./foreign/toolchain.ts";
import { fromSource, start } from "./program.ts";

const root = join(import.meta.dirname, "..");
const petstore = readFileSync(join(root, "test/openapi/petstore.json"), "utf8");

const Orders = contract(
  "orders",
  { version: "1.2.0" },
  {
    place: call({ in: z.object({ item: z.string() }), out: z.object({ id: z.string() }) }),
    get: call({ in: z.string(), out: z.object({ id: z.string() }), idempotent: true }),
  },
);

async function shop(options: Partial<ChassisOptions> = {}, served: RestServeOptions = {}) {
  const app = await chassis({
    name: "shop",
    listen: "http://127.0.0.1:0",
    insecure: true,
    signals: false,
    protocols: [rest(served)],
    serve: [serve(Orders, { place: ({ item }) => ({ id: item }), get: (id) => ({ id }) })],
    ...options,
  });
  return Object.assign(app, { at: app.addresses[0]! });
}

suite("a process that speaks REST", () => {
  test("serves its document and its page where it describes itself", async () => {
    await using app = await shop({ reflection: true });
    const answer = await fetch(`${app.at}/openapi.json`);
    equal(answer.headers.get("content-type"), "application/json");
    const { openapi, info, paths } = (await answer.json()) as Record<string, object>;
    deepEqual([openapi, info], ["3.1.1", { title: "shop", version: "1.2.0" }]);
    deepEqual(Object.keys(paths!), ["/v1/orders", "/v1/orders/{orderId}"]);
    const page = await fetch(`${app.at}/docs`);
    match(page.headers.get("content-type")!, /^text\/html/);
    match(page.headers.get("content-security-policy")!, /^default-src 'none'; /);
    ok((await page.text()).includes(`id="orders.get"`));
  });

  test("says that it has not changed, answers HEAD, and refuses to be written", async () => {
    await using app = await shop({ reflection: true });
    const first = await fetch(`${app.at}/docs`);
    await first.text();
    const etag = first.headers.get("etag")!;
    equal((await fetch(`${app.at}/docs`, { headers: { "if-none-match": etag } })).status, 304);
    const head = await fetch(`${app.at}/docs`, { method: "HEAD" });
    deepEqual([head.status, await head.text()], [200, ""]);
    const post = await fetch(`${app.at}/docs`, { method: "POST" });
    deepEqual([post.status, post.headers.get("allow")], [405, "GET, HEAD, OPTIONS"]);
    await post.text();
  });

  const cases: [string, Partial<ChassisOptions>, RestServeOptions, number][] = [
    ["nothing that it does not describe itself by", {}, {}, 404],
    ["documents that are asked for", {}, { documents: true }, 200],
    ["no documents that are not wanted", { reflection: true }, { documents: false }, 404],
    [
      "none to whom it does not describe itself",
      { reflection: true, authorize: (_, { name }) => name !== "trunkline-reflection.describe" },
      {},
      403,
    ],
    [
      "what is asked for to everybody",
      { reflection: true, authorize: () => false },
      { documents: true },
      200,
    ],
  ];
  for (const [name, options, served, status] of cases)
    test(`serves ${name}`, async () => {
      await using app = await shop(options, served);
      for (const path of ["/openapi.json", "/docs"]) {
        const answer = await fetch(app.at + path);
        equal(answer.status, status);
        await answer.text();
      }
    });
});

suite("what is written", async () => {
  const program = await pythonOf("openapi");
  const skip = typeof program === "string" ? program : false;

  test(
    "is valid by the official schema, as Python's openapi-spec-validator reads it",
    { skip },
    () => {
      if (typeof program === "string") return;
      const { command, args } = program("validate.py");
      const faults = (written: object): string => {
        const input = JSON.stringify(written);
        const ended = spawnSync(command, [...args], { input, encoding: "utf8" });
        equal(ended.status, 0, ended.stderr);
        return ended.stdout;
      };
      equal(faults(openApi([Orders])), "");
      const { contract: Pets, binding } = importOpenApi(petstore);
      const versions = ["media-type", { query: "version" }] as const;
      equal(faults(openApi([Pets], { bindings: [binding], versions })), "");
      match(faults({ ...openApi([Orders]), info: {} }), /'title' is a required property/);
    },
  );
});

/** What the petstore's document describes, as somebody else would serve it. */
async function petServer(): Promise<FastifyInstance> {
  const pets = new Map<number, Record<string, unknown>>();
  const app = fastify();
  app.post("/v2/pet", (request, reply) => {
    const pet = request.body as { id: number };
    pets.set(pet.id, pet);
    return reply.code(200).send();
  });
  app.get<{ Params: { id: string } }>("/v2/pet/:id", (request, reply) => {
    const pet = pets.get(Number(request.params.id));
    return pet === undefined ? reply.code(404).send() : reply.send(pet);
  });
  app.get<{ Querystring: { status: string | string[] } }>("/v2/pet/findByStatus", (request) => {
    const wanted = [request.query.status].flat();
    return [...pets.values()].filter((pet) => wanted.includes(String(pet["status"])));
  });
  app.delete<{ Params: { id: string } }>("/v2/pet/:id", (request, reply) => {
    const known = pets.delete(Number(request.params.id));
    return reply.code(known && request.headers["api_key"] === "secret" ? 200 : 400).send();
  });
  app.get("/v2/store/inventory", () => ({ available: pets.size, broken: "many" }));
  await app.listen({ host: "127.0.0.1", port: 0 });
  return app;
}

function addressOf({ server }: FastifyInstance): string {
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

suite("a service that somebody else serves", () => {
  test("is called by its document, at run time", async () => {
    const server = await petServer();
    try {
      const { contract: Pets, binding } = importOpenApi(petstore);
      const protocols = [rest({ bindings: [binding], versions: "none" })];
      await using pets = client(Pets, addressOf(server), { protocols });
      const rex = { id: 7, name: "Rex", photoUrls: [], status: "sold" };
      await pets["addPet"]!(rex);
      deepEqual(await pets["getPetById"]!({ petId: 7 }), rex);
      deepEqual(await pets["findPetsByStatus"]!({ status: ["sold", "pending"] }), [rex]);
      deepEqual(await pets["findPetsByStatus"]!({ status: ["available"] }), []);
      await rejects(pets["getPetById"]!({ petId: 8 }), { code: "NOT_FOUND", declared: true });
      await rejects(pets["addPet"]!({ name: 5 }), { code: "INVALID_ARGUMENT", executed: "no" });
      await rejects(pets["getInventory"]!(undefined), /broken: must be integer/);
      await pets["deletePet"]!({ petId: 7, api_key: "secret" });
    } finally {
      await server.close();
    }
  });

  test(
    "is called by the module that is written of its document, which compiles",
    { timeout: 120_000 },
    async () => {
      mkdirSync(join(root, ".cache"), { recursive: true });
      const folder = mkdtempSync(join(root, ".cache/openapi-"));
      const server = await petServer();
      try {
        const made = join(folder, "petstore.contract.ts");
        const { code, stderr } = await start(
          process.execPath,
          [
            ...fromSource,
            join(root, "src/cli/main.ts"),
            "import",
            "openapi",
            join(root, "test/openapi/petstore.json"),
            "--out",
            made,
            "--name",
            "petstore",
          ],
          folder,
        ).ended;
        equal(code, 0, stderr);
        match(stderr, /^note POST \/pet\/\{petId\}: its body is left out: it is a form/m);
        const program = join(folder, "program.ts");
        writeFileSync(
          program,
          `import { client } from "trunkline";
        import { rest } from "trunkline/protocol/rest";
        import { Petstore, petstoreBinding, type Pet } from "./petstore.contract.ts";
        export async function run(address: string): Promise<unknown> {
          const protocols = [rest({ bindings: [petstoreBinding], versions: "none" })];
          await using pets = client(Petstore, address, { protocols });
          const rex: Pet = { id: 7, name: "Rex", photoUrls: [], status: "sold" };
          await pets.addPet(rex);
          const found = await pets.getPetById.result({ petId: 8 });
          const sold = await pets.findPetsByStatus({ status: ["sold"] });
          const names: string[] = sold.map(({ name }) => name);
          // @ts-expect-error -- a pet's id is a number
          await pets.getPetById({ petId: "7" }).catch(() => {});
          return [names, found.ok ? undefined : found.error.code];
        }\n`,
        );
        const config = join(folder, "tsconfig.json");
        writeFileSync(
          config,
          JSON.stringify({ extends: join(root, "tsconfig.json"), include: [folder] }),
        );
        const tsc = spawnSync(join(root, "node_modules/.bin/tsc"), ["-p", config], {
          encoding: "utf8",
        });
        equal(tsc.status, 0, tsc.stdout);
        const { run } = (await import(pathToFileURL(program).href)) as {
          run: (address: string) => Promise<unknown>;
        };
        deepEqual(await run(addressOf(server)), [["Rex"], "NOT_FOUND"]);
      } finally {
        await server.close();
        rmSync(folder, { recursive: true });
      }
    },
  );

  test("sends events and takes bytes, and is told who asks", async () => {
    const server = fastify();
    server.addContentTypeParser("image/png", { parseAs: "buffer" }, (_, body, done) =>
      done(null, body),
    );
    server.get<{ Params: { id: string } }>("/pets/:id/steps", (request, reply) =>
      reply
        .header("content-type", "text/event-stream")
        .send(
          [1, 2, 3]
            .map((step) => `data: {"pet":"${request.params.id}","step":${step}}\n\n`)
            .join(""),
        ),
    );
    server.put<{ Params: { id: string } }>("/pets/:id/picture", (request) => ({
      of: request.params.id,
      bytes: (request.body as Buffer).length,
      by: request.headers.authorization,
    }));
    await server.listen({ host: "127.0.0.1", port: 0 });
    const text = { type: "string" };
    const id = { name: "id", in: "path", required: true, schema: text };
    const step = { type: "object", properties: { pet: text, step: { type: "integer" } } };
    const paths = {
      "/pets/{id}/steps": {
        parameters: [id],
        get: {
          operationId: "followPet",
          responses: {
            200: { description: "", content: { "text/event-stream": { schema: step } } },
          },
        },
      },
      "/pets/{id}/picture": {
        parameters: [id],
        put: {
          operationId: "putPicture",
          requestBody: { required: true, content: { "image/png": {} } },
          responses: { 200: { description: "", content: { "application/json": {} } } },
        },
      },
    };
    try {
      const info = { title: "pets", version: "1.0.0" };
      const api = importOpenApi({ openapi: "3.1.0", info, paths });
      deepEqual(api.warnings, []);
      const protocols = [rest({ bindings: [api.binding], versions: "none" })];
      await using pets = client(api.contract, addressOf(server), { protocols });
      // Kinds are known at run time only.
      const { followPet, putPicture } = pets as unknown as {
        followPet: (input: unknown) => AsyncIterable<unknown>;
        putPicture: (items: unknown, options: unknown) => Promise<unknown>;
      };
      const steps: unknown[] = [];
      for await (const each of followPet({ id: "rex" })) steps.push(each);
      deepEqual(
        steps,
        [1, 2, 3].map((each) => ({ pet: "rex", step: each })),
      );
      const headers = { authorization: "Bearer t" };
      const chunks = [new Uint8Array(1000), new Uint8Array(24)];
      deepEqual(await putPicture(chunks, { head: { id: "rex" }, headers }), {
        of: "rex",
        bytes: 1024,
        by: "Bearer t",
      });
    } finally {
      await server.close();
    }
  });

  test("may be one of ours, by the document that it serves", async () => {
    await using app = await shop({ reflection: true });
    const document = await (await fetch(`${app.at}/openapi.json`)).text();
    const { contract: Imported, binding, warnings } = importOpenApi(document);
    deepEqual(warnings, []);
    const protocols = [rest({ bindings: [binding], versions: "none" })];
    await using orders = client(Imported, app.at, { protocols });
    deepEqual(await orders["place"]!({ item: "kettle" }), { id: "kettle" });
    deepEqual(await orders["get"]!("a/b c"), { id: "a/b c" });
    ok(Object.hasOwn(Imported, "get"));
  });
});
