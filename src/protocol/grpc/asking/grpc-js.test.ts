import { deepEqual, equal, match, ok } from "node:assert/strict";
import { test, type TestContext } from "node:test";

import {
  Metadata,
  Server,
  ServerCredentials,
  status,
  type MethodDefinition,
  type ServerDuplexStream,
  type ServerReadableStream,
  type ServerUnaryCall,
  type ServerWritableStream,
  type UntypedHandleCall,
  type sendUnaryData,
} from "@grpc/grpc-js";

import type { Operation } from "../../operation.ts";
import { Reading } from "../../suite/reading.ts";
import { fails } from "../../suite/stage.ts";
import { attempt, callerOf, giving, lab, methodOf, patient, turns } from "../testing/lab.ts";
import { writeRpcStatus } from "../wire/rpc-status.ts";

const soon = { timeout: 60_000 };

test("a call reaches grpc-js with its headers and comes back", soon, async (t) => {
  const seen: string[] = [];
  const port = await serving(t, {
    echo: (call: ServerUnaryCall<unknown, unknown>, done: sendUnaryData<unknown>) => {
      seen.push(String(call.metadata.get("tenant")[0]), String(call.metadata.get("notes-bin")[0]));
      match(String(call.metadata.get("traceparent")[0]), /^00-[0-9a-f]{32}-/);
      done(null, call.request);
    },
  });
  const caller = callerOf(t, "grpc", port);
  const headers = { tenant: "acme", "notes-bin": Buffer.from("ü").toString("base64") };
  for (const value of [{ a: [1, "ü", null] }, "x".repeat(500_000)])
    deepEqual(await caller.call(lab.echo, value, attempt(20_000, headers)), value);
  deepEqual(seen.slice(0, 2), ["acme", "ü"]);
});

test(
  "streams, uploads and duplexes cross with grpc-js, thousands of items each way",
  soon,
  async (t) => {
    const port = await serving(t, streaming);
    const caller = callerOf(t, "grpc", port);
    const items = Array.from({ length: 3_000 }, (_, n) => n);
    deepEqual(await new Reading(caller, lab.count, items.length, attempt()).all(), items);
    equal(await caller.upload(lab.sum, undefined, giving(items), attempt(), patient), 4_498_500);
    const terms = { source: giving(items) };
    const doubled = new Reading(caller, lab.talk, undefined, attempt(), terms);
    deepEqual(
      await doubled.all(),
      items.map((n) => n * 2),
    );
  },
);

test("messages that either side compresses are read by the other", soon, async (t) => {
  const port = await serving(
    t,
    {
      echo: (call: ServerUnaryCall<unknown, unknown>, done: sendUnaryData<unknown>) => {
        equal(call.metadata.get("grpc-encoding").length <= 1, true);
        done(null, call.request);
      },
    },
    { "grpc.default_compression_algorithm": 2 },
  );
  const value = "the same again ".repeat(10_000);
  for (const terms of [{}, { compression: "gzip" }] as const) {
    const caller = callerOf(t, "grpc", port, {}, terms);
    equal(await caller.call(lab.echo, value, attempt()), value);
  }
});

test(
  "when grpc-js asks to be left alone for a while, or for good, the failure says so",
  soon,
  async (t) => {
    const seen: string[] = [];
    const retryInfo = Buffer.from("0a0808021080cab5ee01", "hex"); // 2 s and 500,000,000 ns
    const port = await serving(t, {
      fail: (call: ServerUnaryCall<string, unknown>, done: sendUnaryData<unknown>) => {
        seen.push(call.metadata.get("grpc-previous-rpc-attempts").join());
        const metadata = new Metadata();
        const details = [{ type: "google.rpc.RetryInfo", value: retryInfo }];
        if (call.request === "rich")
          metadata.set(
            "grpc-status-details-bin",
            Buffer.from(writeRpcStatus({ status: 14, message: "", details })),
          );
        else metadata.set("grpc-retry-pushback-ms", call.request);
        done({ code: status.UNAVAILABLE, details: "busy", metadata });
      },
    });
    const caller = callerOf(t, "grpc", port);
    for (const [how, wait] of [
      ["120", 120],
      ["-1", "never"],
      ["soon", "never"],
      ["rich", 2_500],
    ] as const) {
      const again = Object.assign(attempt(), { tries: 3 });
      const error = await fails(caller.call(lab.fail, how, again), "UNAVAILABLE", "maybe");
      equal(error.retryAfterMs, wait, how);
    }
    deepEqual(seen, ["3", "3", "3", "3"]);
  },
);

test(
  "what grpc-js says of a failure is told, and what nobody knows of the handler is maybe",
  soon,
  async (t) => {
    const { errors } = methodOf(lab.fail);
    const { type, codec } = errors.get("SOLD_OUT")!;
    const data = { item: "kettle" };
    const port = await serving(t, {
      fail: (call: ServerUnaryCall<string, unknown>, done: sendUnaryData<unknown>) => {
        const metadata = new Metadata();
        const value = codec.encode(data) as Uint8Array;
        const told = { status: 9, message: "nothing left", details: [{ type: type!, value }] };
        if (call.request === "declared")
          metadata.set("grpc-status-details-bin", Buffer.from(writeRpcStatus(told)));
        const name = call.request === "declared" ? "FAILED_PRECONDITION" : call.request;
        const code = status[name as keyof typeof status];
        done({ code, details: "nöthing left", metadata });
      },
    });
    const caller = callerOf(t, "grpc", port);
    const ask = (how: string): Promise<unknown> => caller.call(lab.fail, how, attempt());
    const declared = await fails(ask("declared"), "SOLD_OUT", "yes");
    deepEqual([declared.data, declared.reason], [data, "nöthing left"]);
    for (const code of [
      "INVALID_ARGUMENT",
      "UNAVAILABLE",
      "INTERNAL",
      "DATA_LOSS",
      "UNAUTHENTICATED",
    ])
      await fails(ask(code), code, "maybe");
    for (const code of ["NOT_FOUND", "ABORTED"]) await fails(ask(code), "UNKNOWN", "maybe");
  },
);

test("a method that grpc-js does not have did not run", soon, async (t) => {
  const port = await serving(t, streaming);
  const caller = callerOf(t, "grpc", port);
  await fails(caller.call(lab.unknown, 0, attempt()), "UNIMPLEMENTED", "no");
});

test(
  "grpc-js is told the deadline, and when it is over; and of a caller that gives up",
  soon,
  async (t) => {
    const ends: string[] = [];
    let left = 0;
    const port = await serving(t, {
      wait: (call: ServerUnaryCall<unknown, unknown>) => {
        left = Number(call.getDeadline()) - Date.now();
        call.on("cancelled", () => ends.push("cancelled"));
      },
    });
    const caller = callerOf(t, "grpc", port);
    await fails(caller.call(lab.wait, "for long", attempt(300)), "DEADLINE_EXCEEDED", "maybe");
    ok(left > 0 && left <= 301, `${left} ms`);
    await turns(() => ends.length === 1);
    const given = attempt();
    const call = caller.call(lab.wait, "for long", given);
    left = 0;
    await turns(() => left > 0);
    given.cancel("caller");
    await fails(call, "CANCELLED", "maybe");
    await turns(() => ends.length === 2);
  },
);

test(
  "a reader that leaves stops the producer of grpc-js, and the connection serves on",
  soon,
  async (t) => {
    let cancelled = 0;
    const port = await serving(t, {
      ...streaming,
      count: (call: ServerWritableStream<unknown, unknown>) => {
        const more = (): void => {
          for (let going = true; going && !call.cancelled;) going = call.write("x".repeat(1_000));
          if (!call.cancelled) call.once("drain", more);
        };
        call.on("cancelled", () => cancelled++);
        more();
      },
    });
    const caller = callerOf(t, "grpc", port);
    const reading = new Reading(caller, lab.count, "endless", attempt());
    equal((await reading.take(100)).length, 100);
    await reading.stream.return!();
    await turns(() => cancelled === 1);
    equal(await caller.upload(lab.sum, undefined, giving([1, 2]), attempt(), patient), 3);
  },
);

test("a source that fails is a cancelled request to grpc-js", soon, async (t) => {
  const told: string[] = [];
  const port = await serving(t, {
    sum: (call: ServerReadableStream<unknown, unknown>) => {
      call.on("data", () => told.push("item"));
      call.on("cancelled", () => told.push("cancelled"));
    },
  });
  const caller = callerOf(t, "grpc", port);
  const source = async (sink: { put(item: unknown): void }): Promise<void> => {
    sink.put(1);
    await turns(() => told.includes("item"));
    throw new Error("out of items");
  };
  await fails(caller.upload(lab.sum, undefined, source, attempt(), patient), "CANCELLED", "maybe");
  await turns(() => told.includes("cancelled"));
});

test(
  "a server of grpc-js that shuts down sends its callers away, and nothing is lost",
  soon,
  async (t) => {
    const answers: (() => void)[] = [];
    const handlers = {
      echo: (call: ServerUnaryCall<unknown, unknown>, done: sendUnaryData<unknown>) =>
        void answers.push(() => done(null, call.request)),
    };
    const server = new Server();
    const port = await serving(t, handlers, {}, server);
    const caller = callerOf(t, "grpc", port, { connectWaitMs: 1_000 });
    const under = caller.call(lab.echo, "under way", attempt());
    await turns(() => answers.length === 1);
    const gone = new Promise((resolve) => server.tryShutdown(resolve));
    await turns(() => caller.state !== "ready");
    await fails(caller.call(lab.echo, "too late", attempt()), "UNAVAILABLE", "no");
    answers[0]!();
    equal(await under, "under way");
    await gone;
  },
);

test("no more requests are sent at once than grpc-js allows; the others wait", soon, async (t) => {
  const answers: (() => void)[] = [];
  const port = await serving(
    t,
    {
      echo: (call: ServerUnaryCall<unknown, unknown>, done: sendUnaryData<unknown>) =>
        void answers.push(() => done(null, call.request)),
    },
    { "grpc.max_concurrent_streams": 2 },
  );
  const caller = callerOf(t, "grpc", port);
  const calls = [1, 2, 3, 4].map((n) => caller.call(lab.echo, n, attempt()));
  const late = caller.call(lab.echo, 5, attempt(100));
  await fails(late, "DEADLINE_EXCEEDED", "no");
  deepEqual([answers.length, caller.waiting], [2, 2]);
  for (let n = 0; n < 4; n++) {
    await turns(() => answers.length > n);
    answers[n]!();
  }
  deepEqual(await Promise.all(calls), [1, 2, 3, 4]);
});

const streaming: Readonly<Record<string, unknown>> = {
  count: (call: ServerWritableStream<number, unknown>) => {
    for (let n = 0; n < call.request; n++) call.write(n);
    call.end();
  },
  sum: (call: ServerReadableStream<number, unknown>, done: sendUnaryData<unknown>) => {
    let sum = 0;
    call.on("data", (n: number) => (sum += n)).on("end", () => done(null, sum));
  },
  talk: (call: ServerDuplexStream<number, unknown>) => {
    call.on("data", (n: number) => call.write(n * 2)).on("end", () => call.end());
  },
};

/** A server of grpc-js, its messages as our codecs write them; returns its port. */
async function serving(
  t: TestContext,
  handlers: Readonly<Record<string, unknown>>,
  options: Record<string, number> = {},
  server: Server = new Server(options),
): Promise<number> {
  const service: Record<string, MethodDefinition<unknown, unknown>> = {};
  for (const member of Object.keys(handlers))
    service[member] = definition(lab[member as keyof typeof lab]);
  server.addService(service, handlers as Record<string, UntypedHandleCall>);
  t.after(() => server.forceShutdown());
  return new Promise((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, port) =>
      error === null ? resolve(port) : reject(error),
    );
  });
}

function definition(operation: Operation): MethodDefinition<unknown, unknown> {
  const { path, codecs } = methodOf(operation);
  const { kind } = operation;
  const write = (value: unknown): Buffer => Buffer.from(codecs.output.encode(value) as Uint8Array);
  const read = (bytes: Buffer): unknown => codecs.input.decode(bytes, 0, bytes.length);
  return {
    path,
    requestStream: kind === "upload" || kind === "duplex",
    responseStream: kind === "stream" || kind === "duplex",
    requestSerialize: write,
    requestDeserialize: read,
    responseSerialize: write,
    responseDeserialize: read,
  };
}
