// Clients of npm that we did not write call our server, by gRPC, gRPC-Web and Connect.
import { deepEqual, equal, match, ok } from "node:assert/strict";
import { once } from "node:events";
import { suite, test } from "node:test";
import {
  createFileRegistry,
  create,
  fromBinary,
  toBinary,
  type DescMessage,
  type DescService,
  type FileRegistry,
  type JsonObject,
} from "@bufbuild/protobuf";
import { FileDescriptorSetSchema, file_google_protobuf_struct } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError, createClient, type Transport } from "@connectrpc/connect";
import {
  compressionGzip,
  createConnectTransport,
  createGrpcTransport,
  createGrpcWebTransport,
} from "@connectrpc/connect-node";
import * as grpcJs from "@grpc/grpc-js";
import { testAuthority } from "trunkline/testing";
import { tls } from "trunkline/transport/tls";
import { labProto, serveLab } from "./foreign/grpc/lab.ts";

const { file, service } = labProto();
const registry: FileRegistry = createFileRegistry(
  create(FileDescriptorSetSchema, { file: [file_google_protobuf_struct.proto, file] }),
);
const lab: DescService = registry.getService(service)!;

type Fields = Record<string, unknown>;
interface Options {
  readonly signal?: AbortSignal;
  readonly timeoutMs?: number;
  readonly headers?: Record<string, string>;
}
/** A client of whatever the descriptor says: its types are not known to the compiler. */
interface LabClient {
  readonly [method: string]: {
    (input: Fields, options?: Options): Promise<Fields>;
    (input: AsyncIterable<Fields>, options?: Options): Promise<Fields>;
  };
}
interface StreamingClient {
  readonly [method: string]: (
    input: Fields | AsyncIterable<Fields>,
    options?: Options,
  ) => AsyncIterable<Fields>;
}

const transports: Readonly<Record<string, (baseUrl: string) => Transport>> = {
  gRPC: (baseUrl) => createGrpcTransport({ baseUrl }),
  "gRPC, compressed": (baseUrl) =>
    createGrpcTransport({ baseUrl, sendCompression: compressionGzip, compressMinBytes: 0 }),
  "gRPC-Web over HTTP/1.1": (baseUrl) => createGrpcWebTransport({ baseUrl, httpVersion: "1.1" }),
  "gRPC-Web over HTTP/2, compressed": (baseUrl) =>
    createGrpcWebTransport({
      baseUrl,
      httpVersion: "2",
      sendCompression: compressionGzip,
      compressMinBytes: 0,
    }),
  "Connect with JSON over HTTP/1.1": (baseUrl) =>
    createConnectTransport({ baseUrl, httpVersion: "1.1", useHttpGet: true }),
  "Connect with JSON over HTTP/2, compressed": (baseUrl) =>
    createConnectTransport({
      baseUrl,
      httpVersion: "2",
      sendCompression: compressionGzip,
      compressMinBytes: 0,
    }),
  "Connect with Protobuf over HTTP/2": (baseUrl) =>
    createConnectTransport({ baseUrl, httpVersion: "2", useBinaryFormat: true, useHttpGet: true }),
};

const sample = { text: "ü😀", count: -7, flag: true, tags: ["a", ""] };

for (const [name, transportTo] of Object.entries(transports)) {
  const http1 = name.includes("1.1");
  suite(`connect-node by ${name}`, () => {
    const clients = (port: number): { one: LabClient; many: StreamingClient } => {
      const transport = transportTo(`http://127.0.0.1:${port}`);
      const client: unknown = createClient(lab, transport);
      return { one: client as LabClient, many: client as StreamingClient };
    };

    test("calls, small and large", async () => {
      await using ours = await serveLab();
      const { one } = clients(ours.port);
      deepEqual(fieldsOf(await one["echo"]!(sample)), sample);
      const large = { ...sample, text: "x".repeat(1_000_000) };
      deepEqual(fieldsOf(await one["echo"]!(large)), large);
      equal((await one["blob"]!({ letters: 2_000_000 }))["text"], "x".repeat(2_000_000));
      await one["note"]!({ text: "hello" });
      deepEqual((await one["seen"]!({}))["what"], ["note hello"]);
    });

    test("is told how it failed: the code, the data, and whether it ran", async () => {
      await using ours = await serveLab();
      const { one } = clients(ours.port);
      const sold = await failed(one["sell"]!({ item: "kettle" }));
      equal(sold.code, Code.FailedPrecondition);
      deepEqual(detailsOf(sold), [
        ["lab.v1.SellSoldOutError", { item: "kettle" }],
        ["google.rpc.ErrorInfo", ["SOLD_OUT", "lab", { executed: "yes", declared: "true" }]],
      ]);
      equal(sold.metadata.get("trunkline-executed"), "yes");
      equal(sold.metadata.get("trunkline-code"), "SOLD_OUT");
      equal((await failed(one["sell"]!({ item: "unknown" }))).code, Code.NotFound);
      const empty = await failed(one["sell"]!({ item: "nothing" }));
      deepEqual(detailsOf(empty), [
        ["google.rpc.ErrorInfo", ["EMPTY", "lab", { executed: "yes", declared: "true" }]],
      ]);
      const crash = await failed(one["crash"]!({}));
      deepEqual([crash.code, crash.metadata.get("trunkline-executed")], [Code.Internal, "yes"]);
      ok(!JSON.stringify([crash.message, detailsOf(crash)]).includes("hunter2"));
      const busy = await failed(one["busy"]!({}));
      deepEqual([busy.code, busy.rawMessage], [Code.Unavailable, "no room: 100 % full ü"]);
      equal(busy.metadata.get("trunkline-executed"), "no");
    });

    test("sends headers and a trace along", async () => {
      await using ours = await serveLab();
      const { one } = clients(ours.port);
      const headers = {
        tenant: "acme",
        "data-bin": "AAEC",
        traceparent: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
      };
      const beside = await one["beside"]!({}, { headers, timeoutMs: 60_000 });
      deepEqual(beside["headers"], { tenant: "acme", "data-bin": "AAEC" });
      match(String(beside["trace"]), /^00-4bf92f3577b34da6a3ce929d0e0e4736-/);
      equal(beside["timed"], true);
    });

    test("has its deadline kept, and gives up", async () => {
      await using ours = await serveLab();
      const { one } = clients(ours.port);
      equal((await failed(one["stuck"]!({}, { timeoutMs: 60 }))).code, Code.DeadlineExceeded);
      await until(() => ours.seen.length === 2);
      const gone = new AbortController();
      const stuck = failed(one["stuck"]!({}, { signal: gone.signal }));
      await until(() => ours.seen.length === 3);
      gone.abort();
      equal((await stuck).code, Code.Canceled);
      await until(() => ours.seen.length === 4);
      deepEqual(ours.seen.at(-1), "stuck CANCELLED");
    });

    test("reads streams: to the end, to a failure, and not to the end", async () => {
      await using ours = await serveLab();
      const { many } = clients(ours.port);
      deepEqual(await numbersOf(many["count"]!({ to: 3_000 })), [...Array(3_000).keys()]);
      const before: unknown[] = [];
      const stumbled = await failed(numbersOf(many["stumble"]!({ after: 5 }), before));
      deepEqual([stumbled.code, before], [Code.FailedPrecondition, [0, 1, 2, 3, 4]]);
      equal(stumbled.metadata.get("trunkline-executed"), "yes");
      for await (const { number } of many["count"]!({ to: 1_000_000_000 }))
        if (Number(number) === 500) break;
      await until(() => ours.seen.includes("count cancelled"));
    });

    test("uploads, with a head and without", async () => {
      await using ours = await serveLab();
      const { one } = clients(ours.port);
      const numbers = [...Array(2_000).keys()].map((number) => ({ number }));
      // gRPC-Web has no streams of its callers, but the library sends them.
      equal((await one["sum"]!(each(numbers)))["sum"], 1_999_000);
      const parts = [
        { part: { case: "head", value: { separator: "-" } } },
        ...["a", "b", "c"].map((text) => ({ part: { case: "item", value: { text } } })),
      ];
      equal((await one["join"]!(each(parts)))["text"], "a-b-c");
      const late = await failed(one["join"]!(each(parts.slice(1))));
      deepEqual([late.code, late.metadata.get("trunkline-executed")], [Code.InvalidArgument, "no"]);
    });

    test("talks both ways", { skip: http1 && "HTTP/1.1 has no duplex" }, async () => {
      await using ours = await serveLab();
      const { many } = clients(ours.port);
      const heard: unknown[] = [];
      let told = 0;
      const says = async function* (): AsyncIterable<Fields> {
        // The next one only when the one before was heard.
        for (const text of ["a", "b", "c"]) {
          yield { text };
          told++;
          await until(() => heard.length === told);
        }
      };
      for await (const { text } of many["shout"]!(says())) heard.push(text);
      deepEqual(heard, ["A", "B", "C"]);
    });
  });
}

suite("grpc-js", () => {
  const clientOf = (
    port: number,
    credentials: grpcJs.ChannelCredentials = grpcJs.credentials.createInsecure(),
  ): grpcJs.Client & Record<string, Function> => {
    const methods = lab.methods.map((method) => [method.name, definition(method)] as const);
    const Client = grpcJs.makeGenericClientConstructor(Object.fromEntries(methods), "Lab");
    const client = new Client(`localhost:${port}`, credentials, {
      "grpc.default_compression_algorithm": grpcJs.compressionAlgorithms.gzip,
    });
    return client;
  };

  test("calls, reads, uploads and talks, compressed", async () => {
    await using ours = await serveLab();
    const client = clientOf(ours.port);
    const answered = (method: string, input: Fields): Promise<Fields> =>
      new Promise((resolve, reject) =>
        client[method]!(input, (error: Error | null, answer: Fields) =>
          error === null ? resolve(answer) : reject(error),
        ),
      );
    deepEqual(fieldsOf(await answered("Echo", sample)), sample);
    equal((await answered("Blob", { letters: 100_000 }))["text"], "x".repeat(100_000));
    const sold = (await answered("Sell", { item: "kettle" }).catch(
      (error: unknown) => error,
    )) as grpcJs.ServiceError;
    deepEqual(
      [sold.code, sold.metadata.get("trunkline-executed"), sold.metadata.get("trunkline-code")],
      [grpcJs.status.FAILED_PRECONDITION, ["yes"], ["SOLD_OUT"]],
    );
    equal(sold.metadata.get("grpc-status-details-bin").length, 1);
    const counting = client["Count"]!({ to: 500 }) as AsyncIterable<Fields>;
    deepEqual(await numbersOf(counting), [...Array(500).keys()]);
    const sum = Promise.withResolvers<Fields>();
    const upload = client["Sum"]!((_error: unknown, answer: Fields) => sum.resolve(answer));
    for (let number = 0; number < 100; number++) upload.write({ number });
    upload.end();
    equal((await sum.promise)["sum"], 4_950);
    const shout = client["Shout"]!();
    shout.write({ text: "a" });
    const [first] = (await once(shout, "data")) as [Fields];
    equal(first["text"], "A");
    shout.end();
    await once(shout, "end");
    client.close();
  });

  test("shows who it is by mutual TLS, and is not served when it does not", async () => {
    const authority = testAuthority();
    const server = authority.issue({ name: "lab", hosts: ["localhost", "127.0.0.1"] });
    const ada = authority.issue({ name: "ada" });
    await using ours = await serveLab({
      listen: "grpcs://localhost:0",
      transports: [tls({ ...server, ca: authority.cert, clientCertificate: "required" })],
    });
    const trusted = Buffer.from(authority.cert);
    const call = async (credentials: grpcJs.ChannelCredentials): Promise<unknown> => {
      const client = clientOf(ours.port, credentials);
      try {
        return await new Promise((resolve) =>
          client["Echo"]!(sample, (error: grpcJs.ServiceError | null, answer: Fields) =>
            resolve(error === null ? fieldsOf(answer) : error.code),
          ),
        );
      } finally {
        client.close();
      }
    };
    const shown = [Buffer.from(ada.key), Buffer.from(ada.cert)] as const;
    deepEqual(await call(grpcJs.credentials.createSsl(trusted, ...shown)), sample);
    equal(await call(grpcJs.credentials.createSsl(trusted)), grpcJs.status.UNAVAILABLE);
  });
});

function definition(
  method: DescService["methods"][number],
): grpcJs.MethodDefinition<Fields, Fields> {
  const write = (desc: DescMessage) => (value: Fields) =>
    Buffer.from(toBinary(desc, create(desc, value as JsonObject as never)));
  const read = (desc: DescMessage) => (bytes: Buffer) =>
    fromBinary(desc, bytes) as unknown as Fields;
  const { input, output } = method;
  return {
    path: `/${lab.typeName}/${method.name}`,
    requestStream:
      method.methodKind === "client_streaming" || method.methodKind === "bidi_streaming",
    responseStream:
      method.methodKind === "server_streaming" || method.methodKind === "bidi_streaming",
    requestSerialize: write(input),
    requestDeserialize: read(input),
    responseSerialize: write(output),
    responseDeserialize: read(output),
  };
}

async function numbersOf(items: AsyncIterable<Fields>, into: unknown[] = []): Promise<unknown[]> {
  for await (const { number } of items) into.push(number);
  return into;
}

async function* each<T>(items: readonly T[]): AsyncIterable<T> {
  yield* items;
}

async function failed(work: Promise<unknown>): Promise<ConnectError> {
  try {
    await work;
  } catch (error) {
    return ConnectError.from(error);
  }
  throw new Error("it succeeded, and should have failed");
}

/** Without what the library adds. */
function fieldsOf(message: Fields): Fields {
  return Object.fromEntries(Object.entries(message).filter(([name]) => !name.startsWith("$")));
}

/** Name and content of each detail. */
function detailsOf(error: ConnectError): unknown[] {
  return (error.details as { type: string; value: Uint8Array }[]).map(({ type, value }) => {
    const desc = registry.getMessage(type);
    return [
      type,
      desc === undefined ? errorInfo(value) : fieldsOf(fromBinary(desc, value) as never),
    ];
  });
}

/** google.rpc.ErrorInfo, as anybody reads it who has its .proto file. */
function errorInfo(bytes: Uint8Array): unknown[] {
  const texts: string[] = [];
  let metadata: [string, string][] = [];
  for (let at = 0; at < bytes.length;) {
    const field = bytes[at]! >> 3;
    const value = bytes.subarray(at + 2, at + 2 + bytes[at + 1]!);
    at += 2 + value.length;
    const text = (from: number, to: number): string =>
      Buffer.from(value.subarray(from, to)).toString();
    if (field !== 3) texts.push(text(0, value.length));
    else {
      const key = 2 + value[1]!;
      metadata = [...metadata, [text(2, key), text(key + 2, value.length)]];
    }
  }
  return [...texts, Object.fromEntries(metadata)];
}

async function until(met: () => boolean): Promise<void> {
  while (!met()) await new Promise((resolve) => setImmediate(resolve));
}
