// Who asks a version that is to be used no more is told so, in the words of HTTP, whatever protocol carries them; by clients
// that we did not write.
import { deepEqual, equal } from "node:assert/strict";
import { suite, test } from "node:test";
import { create, createFileRegistry } from "@bufbuild/protobuf";
import { FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { createClient, type Transport } from "@connectrpc/connect";
import {
  createConnectTransport,
  createGrpcTransport,
  createGrpcWebTransport,
} from "@connectrpc/connect-node";
import { call, chassis, contract, serve, serveOlder, stream } from "trunkline";
import { describe } from "trunkline/contract";
import { protoContract } from "trunkline/codec/protobuf";
import * as z from "zod";

const terms = {
  deprecated: "2026-12-01",
  sunset: "2027-06-01T12:00Z",
  link: "https://example.com/orders-2",
  successor: "https://api.example.com/v2/orders",
};
const told = {
  deprecation: "@1796083200",
  sunset: "Tue, 01 Jun 2027 12:00:00 GMT",
  link: '<https://example.com/orders-2>; rel="deprecation sunset"; type="text/html", <https://api.example.com/v2/orders>; rel="successor-version"',
};
const untold = { deprecation: null, sunset: null, link: null };

const operations = {
  get: call({
    in: z.object({ id: z.string() }),
    out: z.object({ id: z.string() }),
    errors: { GONE: undefined },
    idempotent: true,
  }),
  watch: stream({ in: z.object({ id: z.string() }), out: z.object({ id: z.string() }) }),
};
const One = contract("orders", { version: "1.0.0" }, operations);
const Two = contract("orders", { version: "2.0.0" }, operations);

function shop(listen: string) {
  const orders = serve(Two, {
    get({ id }, { errors }) {
      if (id === "gone") throw errors.GONE();
      return { id };
    },
    *watch({ id }) {
      yield { id };
    },
  });
  return chassis({
    name: "shop",
    listen,
    signals: false,
    serve: [serveOlder(One, orders, {}, terms), orders],
  });
}

function headersOf(headers: Headers | undefined) {
  const names = ["deprecation", "sunset", "link"] as const;
  return Object.fromEntries(names.map((name) => [name, headers?.get(name) ?? null]));
}

test("REST tells it with answers and with failures, and of the newer version nothing", async () => {
  await using app = await shop("http://127.0.0.1:0");
  const [base] = app.addresses;
  for (const [path, status] of [
    ["orders/o-1", 200],
    ["orders/gone", 409],
  ] as const) {
    const old = await fetch(`${base}/v1/${path}`);
    deepEqual([old.status, headersOf(old.headers)], [status, told]);
    deepEqual(headersOf((await fetch(`${base}/v2/${path}`)).headers), untold);
  }
});

const transports: Readonly<Record<string, (baseUrl: string) => Transport>> = {
  gRPC: (baseUrl) => createGrpcTransport({ baseUrl }),
  "gRPC-Web": (baseUrl) => createGrpcWebTransport({ baseUrl, httpVersion: "1.1" }),
  Connect: (baseUrl) => createConnectTransport({ baseUrl, httpVersion: "1.1" }),
};

suite("gRPC and its kin tell it too", () => {
  for (const [name, transport] of Object.entries(transports)) {
    test(name, async () => {
      await using app = await shop("grpc://127.0.0.1:0");
      const base = app.addresses[0]!.replace("grpc:", "http:");
      for (const [shape, expected] of [
        [One, told],
        [Two, untold],
      ] as const) {
        const { file, service } = protoContract(describe(shape));
        const registry = createFileRegistry(create(FileDescriptorSetSchema, { file: [file] }));
        const orders = createClient(
          registry.getService(service)!,
          transport(base),
        ) as unknown as Orders;
        const seen: unknown[] = [];
        const onHeader = (headers: Headers): void => void seen.push(headersOf(headers));
        await orders.get({ id: "o-1" }, { onHeader });
        for await (const _ of orders.watch({ id: "o-1" }, { onHeader }));
        deepEqual(seen, [expected, expected]);
      }
    });
  }
});

interface Orders {
  get(input: object, options: object): Promise<unknown>;
  watch(input: object, options: object): AsyncIterable<unknown>;
}

test("reflection tells it as it was written", async () => {
  const { client, Reflection } = await import("trunkline");
  await using _app = await shop("memory:retirement");
  await using reflection = client(Reflection, "memory:retirement");
  const { contracts } = await reflection.describe();
  const [old, now] = contracts;
  const { deprecated, sunset, link, successor } = old!;
  deepEqual({ deprecated, sunset, link, successor }, terms);
  equal(now!.deprecated, undefined);
});
