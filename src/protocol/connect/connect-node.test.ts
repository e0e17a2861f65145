import { deepEqual, equal, ok } from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http2";
import type { AddressInfo } from "node:net";
import { test, type TestContext } from "node:test";

import { create, createFileRegistry, type DescMessage, type Message } from "@bufbuild/protobuf";
import { FileDescriptorSetSchema, type Value } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError, type HandlerContext, type ServiceImpl } from "@connectrpc/connect";
import { connectNodeAdapter } from "@connectrpc/connect-node";

import {
  attempt,
  callerOf,
  contracts,
  giving,
  lab,
  methodOf,
  patient,
  turns,
} from "../grpc/testing/lab.ts";
import { wellKnownFiles } from "../grpc/json-codecs.ts";
import { Reading } from "../suite/reading.ts";
import { fails } from "../suite/stage.ts";

const soon = { timeout: 60_000 };

/** Any message of the lab: it has one field, which holds any JSON. */
type Any = Message & { value?: Value };

for (const protocol of ["connect", "grpc"] as const) {
  test(
    `${protocol}: calls, streams, uploads and duplexes cross with connect-node`,
    soon,
    async (t) => {
      const caller = callerOf(t, protocol, await serving(t, handlers()));
      for (const value of [{ a: [1, "ü", null] }, "x".repeat(500_000)])
        deepEqual(await caller.call(lab.echo, value, attempt()), value);
      const items = Array.from({ length: 1_000 }, (_, n) => n);
      deepEqual(await new Reading(caller, lab.count, items.length, attempt()).all(), items);
      equal(await caller.upload(lab.sum, undefined, giving(items), attempt(), patient), 499_500);
      const terms = { source: giving(items) };
      deepEqual(await new Reading(caller, lab.talk, undefined, attempt(), terms).all(), items);
    },
  );

  test(`${protocol}: what connect-node says of a failure is told`, soon, async (t) => {
    const data = { item: "kettle" };
    const port = await serving(t, {
      ...handlers(),
      fail: (request: Any) => {
        if (stringOf(request) !== "declared")
          throw new ConnectError("not now", Code[stringOf(request) as "Unavailable"]);
        const { type, codec } = methodOf(lab.fail).errors.get("SOLD_OUT")!;
        const error = new ConnectError("nothing left", Code.FailedPrecondition);
        error.details = [{ type: type!, value: codec.encode(data) as Uint8Array<ArrayBuffer> }];
        throw error;
      },
    });
    const caller = callerOf(t, protocol, port);
    const ask = (how: string): Promise<unknown> => caller.call(lab.fail, how, attempt());
    const declared = await fails(ask("declared"), "SOLD_OUT", "yes");
    deepEqual([declared.data, declared.reason], [data, "nothing left"]);
    await fails(ask("Unavailable"), "UNAVAILABLE", "maybe");
    await fails(ask("InvalidArgument"), "INVALID_ARGUMENT", "maybe");
    await fails(ask("NotFound"), "UNKNOWN", "maybe");
    await fails(caller.call(lab.unknown, 0, attempt()), "UNIMPLEMENTED", "no");
  });

  test(
    `${protocol}: connect-node is told of deadlines and of callers that give up`,
    soon,
    async (t) => {
      const ends: string[] = [];
      let begun = 0;
      const port = await serving(t, {
        ...handlers(),
        wait: async (_: Any, { signal, timeoutMs }: HandlerContext) => {
          begun++;
          ok((timeoutMs() ?? 0) > 0);
          await new Promise((resolve) => signal.addEventListener("abort", resolve));
          ends.push(String((signal.reason as ConnectError).code));
          throw signal.reason as ConnectError; // its clock may ring before ours: an answer would be in time
        },
      });
      const caller = callerOf(t, protocol, port);
      await fails(caller.call(lab.wait, 0, attempt(300)), "DEADLINE_EXCEEDED", "maybe");
      await turns(() => ends.length === 1);
      const given = attempt();
      const call = caller.call(lab.wait, 0, given);
      await turns(() => begun === 2);
      given.cancel("caller");
      await fails(call, "CANCELLED", "maybe");
      await turns(() => ends.length === 2);
    },
  );
}

test("connect: a compressed call, and an answer that connect-node compresses", soon, async (t) => {
  const value = "the same again ".repeat(10_000);
  const port = await serving(t, handlers());
  const caller = callerOf(t, "connect", port, {}, { compression: "gzip" });
  equal(await caller.call(lab.echo, value, attempt()), value);
  deepEqual(await new Reading(caller, lab.count, 3, attempt()).all(), [0, 1, 2]);
});

function handlers(): Record<string, unknown> {
  return {
    echo: ({ value }: Any) => ({ value }),
    async *count(request: Any) {
      for (let n = 0; n < Number(request.value!.kind.value); n++) yield { value: number(n) };
    },
    async sum(requests: AsyncIterable<Any>) {
      let sum = 0;
      for await (const each of requests) sum += Number(each.value!.kind.value);
      return { value: number(sum) };
    },
    async *talk(requests: AsyncIterable<Any>) {
      for await (const { value } of requests) yield { value };
    },
  };
}

function number(value: number): object {
  return { kind: { case: "numberValue", value } };
}

function stringOf({ value }: Any): string {
  return value!.kind.value as string;
}

/** A server of connect-node that has the lab by its descriptors; returns its port. */
async function serving(t: TestContext, implementation: Record<string, unknown>): Promise<number> {
  const { file, imports, service } = contracts.of(lab.echo.owner.shape);
  const proto = [...wellKnownFiles.map((each) => each.proto), ...imports, file];
  const registry = createFileRegistry(create(FileDescriptorSetSchema, { file: proto }));
  const described = registry.getService(service)!;
  ok(described.methods.every(({ input }: { input: DescMessage }) => input.fields.length <= 1));
  const server = createServer(
    connectNodeAdapter({
      routes: (router) =>
        router.service(described, implementation as Partial<ServiceImpl<typeof described>>),
    }),
  );
  server.on("session", (session) => t.after(() => session.destroy()));
  t.after(() => server.close());
  await once(server.listen(0, "127.0.0.1"), "listening");
  return (server.address() as AddressInfo).port;
}
