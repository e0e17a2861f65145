import { deepEqual, equal, match, ok, rejects } from "node:assert/strict";
import { suite, test } from "node:test";
import * as z from "zod";
import { channels, type IncidentEvent } from "../base/diagnostics.ts";
import { isTrunklineError } from "../base/error.ts";
import type { HandlerContext, Handlers } from "../call/handlers-type.ts";
import { serve, type Service } from "../call/serve.ts";
import { serveOlder } from "../call/serve-older.ts";
import { call, contract, duplex, notification, stream, upload } from "../contract/index.ts";
import { chassis, type ChassisOptions } from "./chassis.ts";
import { client } from "./client.ts";

/** Counts how often it reads: what is sent is read once at each end, whatever version it goes through. */
const counted = z.string().transform((text) => `${text}!`);

const One = contract(
  "desk",
  { version: "1.2.0" },
  {
    book: call({
      in: z.object({ seat: counted }),
      out: z.string(),
      errors: { TAKEN: z.string(), GONE: undefined },
    }),
    same: call({ in: z.int(), out: z.int(), errors: { TAKEN: z.string() } }),
    old: call({ in: z.string(), out: z.string() }),
    count: stream({ in: z.int(), out: z.string(), errors: { GONE: undefined } }),
    note: notification({ in: z.string() }),
    load: upload({ head: z.string(), in: z.int(), out: z.string() }),
    swap: duplex({ in: z.int(), out: z.string() }),
  },
);
const Two = contract(
  "desk",
  { version: "2.0.0" },
  {
    book: call({
      in: z.object({ place: z.object({ seat: counted.pipe(z.string().max(9)) }) }),
      out: z.object({ booked: z.string() }),
      errors: { TAKEN: z.object({ seat: z.string() }), CLOSED: undefined },
      key: "place.seat",
    }),
    same: call({ in: z.int(), out: z.int(), errors: { TAKEN: z.string() } }),
    numbers: stream({
      in: z.object({ most: z.int() }),
      out: z.object({ n: z.int() }),
      errors: { CLOSED: undefined },
    }),
    note: notification({ in: z.object({ text: z.string() }) }),
    load: upload({
      head: z.object({ name: z.string().max(5) }),
      in: z.object({ n: z.int().max(9) }),
      out: z.object({ sum: z.int() }),
    }),
    swap: duplex({ in: z.object({ n: z.int() }), out: z.object({ twice: z.int() }) }),
  },
);

type Two = Handlers<typeof Two>;

function newer(handlers: Partial<Two>): Service<typeof Two> {
  const unasked = (): never => {
    throw new Error("nobody expected to be asked");
  };
  return serve(Two, {
    book: unasked,
    same: unasked,
    numbers: unasked,
    note: unasked,
    load: unasked,
    swap: unasked,
    ...handlers,
  });
}

function older(by: Service<typeof Two>): Service<typeof One> {
  return serveOlder(One, by, {
    book: {
      up: ({ seat }, { refuse }) => {
        if (seat === "refused!") throw refuse("UNAVAILABLE", "not now");
        if (seat === "broken!") throw new Error("cannot be converted");
        return { place: { seat } };
      },
      down: ({ booked }) => booked,
      errors: {
        TAKEN: ({ seat }, { errors }) => errors.TAKEN(seat),
        CLOSED: () => "nothing is booked when it is closed",
      },
    },
    old: (text) => `as ever: ${text}`,
    count: {
      to: "numbers",
      up: (most) => ({ most }),
      down: ({ n }) => `#${n}`,
      errors: { CLOSED: (_, { errors }) => errors.GONE() },
    },
    note: { up: (text) => ({ text }) },
    load: { head: (name) => ({ name }), up: (n) => ({ n }), down: ({ sum }) => `${sum}` },
    swap: { up: async (n) => ({ n }), down: ({ twice }) => `${twice}` },
  });
}

let places = 0;

/** Both versions in one process, a client of each, and what was reported meanwhile. */
async function desk(handlers: Partial<Two>, options: Partial<ChassisOptions> = {}) {
  const by = newer(handlers);
  const address = `memory:older-${++places}`;
  const app = await chassis({
    name: "desk",
    listen: address,
    signals: false,
    serve: [older(by), by],
    ...options,
  });
  const incidents: IncidentEvent[] = [];
  const listen = (event: unknown): void => void incidents.push(event as IncidentEvent);
  channels.incident.subscribe(listen);
  const [one, two] = [client(One, address), client(Two, address)];
  return {
    app,
    one,
    two,
    incidents,
    async [Symbol.asyncDispose]() {
      channels.incident.unsubscribe(listen);
      await Promise.all([one[Symbol.asyncDispose](), two[Symbol.asyncDispose]()]);
      await app.stop({ force: true });
    },
  };
}

async function failure(of: Promise<unknown>): Promise<readonly [string, string, unknown]> {
  try {
    await of;
  } catch (error) {
    if (isTrunklineError(error)) return [error.code, error.executed, error.data];
    throw error;
  }
  throw new Error("it did not fail");
}

suite("an older version served by a newer one", () => {
  test("inputs go up and answers down, and each schema reads what it is given once", async () => {
    const seen: unknown[] = [];
    await using desks = await desk({
      book({ place }) {
        seen.push(place.seat);
        return { booked: place.seat };
      },
      same: (n) => n + 1,
    });
    equal(await desks.one.book({ seat: "a" }), "a!!");
    deepEqual(await desks.two.book({ place: { seat: "a" } }), { booked: "a!" });
    deepEqual(seen, ["a!!", "a!"]);
    equal(await desks.one.same(1), 2, "what both say alike needs no conversion");
    equal(await desks.one.old("x"), "as ever: x");
    deepEqual(desks.incidents, []);
  });

  test("declared errors stay declared, whether they are converted, the same, or answered", async () => {
    await using desks = await desk({
      book({ place: { seat } }, { errors }) {
        throw seat === "closed!!" ? errors.CLOSED() : errors.TAKEN({ seat });
      },
      same(n, { errors }) {
        throw errors.TAKEN(`${n}`);
      },
    });
    deepEqual(await failure(desks.one.book({ seat: "a" })), ["TAKEN", "yes", "a!!"]);
    equal(await desks.one.book({ seat: "closed" }), "nothing is booked when it is closed");
    deepEqual(await failure(desks.one.same(7)), ["TAKEN", "yes", "7"]);
    deepEqual(desks.incidents, []);
  });

  test("what the newer schema does not take is refused: nothing ran", async () => {
    await using desks = await desk({});
    const refused = desks.one.book({ seat: "much too long" });
    await rejects(refused, /the input does not match desk@2\.book, which serves it: place\.seat/);
    deepEqual((await failure(refused)).slice(0, 2), ["INVALID_ARGUMENT", "no"]);
    deepEqual((await failure(desks.one.book({ seat: "refused" }))).slice(0, 2), [
      "UNAVAILABLE",
      "no",
    ]);
    deepEqual(desks.incidents, []);
  });

  test("a conversion that throws, and a newer answer that breaks its contract, are incidents", async () => {
    await using desks = await desk({ book: () => ({ booked: 7 }) as never }, { checkSent: true });
    deepEqual((await failure(desks.one.book({ seat: "broken" }))).slice(0, 2), ["INTERNAL", "yes"]);
    deepEqual((await failure(desks.one.book({ seat: "a" }))).slice(0, 2), ["INTERNAL", "yes"]);
    deepEqual(
      desks.incidents.map(({ operation, error }) => [operation, (error as Error).message]),
      [
        ["desk.book", "cannot be converted"],
        [
          "desk.book",
          "what it gave does not match desk@2.book: booked: expected string, received number",
        ],
      ],
    );
  });

  test("the handler sees the caller's deadline, headers, key, trace and peer, and the operation that it serves", async () => {
    let seen: HandlerContext<object> | undefined;
    await using desks = await desk({
      same(n, context) {
        seen = context;
        return n;
      },
    });
    const options = { deadline: "30s", headers: { a: "b" }, idempotencyKey: "k" } as const;
    await desks.one.same(1, options);
    const { operation, headers, idempotencyKey, deadline, trace, peer, signal } = seen!;
    deepEqual([operation.name, operation.version], ["desk.same", "2.0.0"]);
    deepEqual([headers["a"], idempotencyKey, signal.aborted], ["b", "k", false]);
    ok(deadline.at < Infinity);
    match(trace.traceparent, /^00-/);
    match(peer.address, /^memory:/);
  });

  test("cancelling reaches the handler of the newer version", async () => {
    const began = Promise.withResolvers<void>();
    const stopped = Promise.withResolvers<void>();
    await using desks = await desk({
      async same(n, { signal }) {
        signal.addEventListener("abort", () => stopped.resolve());
        began.resolve();
        await stopped.promise;
        return n;
      },
    });
    const cancel = new AbortController();
    const calling = failure(desks.one.same(1, { signal: cancel.signal }));
    await began.promise;
    cancel.abort();
    deepEqual((await calling).slice(0, 2), ["CANCELLED", "maybe"]);
    await stopped.promise;
  });

  test("interceptors and counts see the version that was asked for", async () => {
    const seen: string[] = [];
    await using desks = await desk(
      { same: (n) => n },
      {
        aroundHandler: [
          (next) => (input, context) => {
            seen.push(`${context.operation.name} ${context.operation.version}`);
            return next(input, { ...context });
          },
        ],
        authorize: (_peer, { version }) => version === "1.2.0",
      },
    );
    await desks.one.same(1);
    await desks.one.same(1);
    deepEqual((await failure(desks.two.same(1))).slice(0, 2), ["PERMISSION_DENIED", "no"]);
    deepEqual(seen, ["desk.same 1.2.0", "desk.same 1.2.0"]);
    const counts = desks.app
      .stats()
      .operations.filter(({ operation }) => operation === "desk.same");
    deepEqual(
      counts.map(({ version, count }) => [version, count]),
      [
        ["1.2.0", 2],
        ["2.0.0", 1],
      ],
    );
  });
});

suite("items of an older version", () => {
  test("a stream is converted one by one, no further than it is read, and leaving it stops the handler", async () => {
    let given = 0;
    const left = Promise.withResolvers<void>();
    await using desks = await desk({
      async *numbers({ most }) {
        try {
          for (let n = 0; n < most; n++) {
            given++;
            yield { n };
          }
        } finally {
          left.resolve();
        }
      },
    });
    const read: string[] = [];
    for await (const item of desks.one.count(3)) read.push(item);
    deepEqual(read, ["#0", "#1", "#2"]);
    for await (const item of desks.one.count(1_000_000)) if (item === "#4") break;
    await left.promise;
    ok(given < 1_000, `the handler was asked for ${given} items though five were read`);
  });

  test("a stream's declared error comes as the older one, after the items before it", async () => {
    await using desks = await desk({
      async *numbers(_input, { errors }) {
        yield { n: 1 };
        throw errors.CLOSED();
      },
    });
    const read: string[] = [];
    const reading = (async () => {
      for await (const item of desks.one.count(3)) read.push(item);
    })();
    deepEqual(await failure(reading), ["GONE", "yes", undefined]);
    deepEqual(read, ["#1"]);
  });

  test("an upload's head and items go up in order, and one that the newer schema refuses is the caller's fault", async () => {
    const seen: unknown[] = [];
    await using desks = await desk({
      async load(items, { head }) {
        seen.push(head);
        let sum = 0;
        for await (const { n } of items) {
          seen.push(n);
          sum += n;
        }
        return { sum };
      },
    });
    equal(await desks.one.load([1, 2, 3], { head: "a" }), "6");
    deepEqual(seen, [{ name: "a" }, 1, 2, 3]);
    const misfit = desks.one.load([1, 10, 3], { head: "b" });
    await rejects(misfit, /the item at index 1 does not match desk@2\.load/);
    deepEqual((await failure(misfit)).slice(0, 2), ["INVALID_ARGUMENT", "yes"]);
    deepEqual((await failure(desks.one.load([1], { head: "too long" }))).slice(0, 2), [
      "INVALID_ARGUMENT",
      "no",
    ]);
    deepEqual(desks.incidents, []);
  });

  test("an upload that is cut off never looks complete", async () => {
    const seen = Promise.withResolvers<unknown>();
    await using desks = await desk({
      async load(items) {
        try {
          for await (const _ of items);
        } catch (error) {
          seen.resolve(error);
          throw error;
        }
        seen.resolve("complete");
        return { sum: 0 };
      },
    });
    const cutting = desks.one.load(
      (async function* () {
        yield 1;
        throw new Error("no more");
      })(),
      { head: "a" },
    );
    await rejects(cutting);
    const error = await seen.promise;
    ok(isTrunklineError(error) && error.code === "CANCELLED", String(error));
  });

  test("an upload is taken no faster than the newer handler reads", async () => {
    const enough = Promise.withResolvers<void>();
    await using desks = await desk({
      async load(items) {
        await items.next();
        await enough.promise;
        return { sum: 0 };
      },
    });
    let sent = 0;
    const many = (async function* () {
      for (; sent < 100_000; sent++) yield 1;
    })();
    const loading = desks.one.load(many, { head: "a" });
    let before = -1;
    // It stands still when the window is full, long before the items are over.
    while (sent !== before || sent === 0) {
      before = sent;
      for (let turns = 0; turns < 20; turns++) await new Promise(setImmediate);
    }
    enough.resolve();
    equal(await loading, "0");
    ok(before < 10_000, `${before} items had been taken`);
  });

  test("a duplex goes both ways, and a notification one way", async () => {
    const noted = Promise.withResolvers<string>();
    await using desks = await desk({
      async *swap(items) {
        for await (const { n } of items) yield { twice: 2 * n };
      },
      note: ({ text }) => noted.resolve(text),
    });
    const read: string[] = [];
    for await (const item of desks.one.swap([1, 2, 3])) read.push(item);
    deepEqual(read, ["2", "4", "6"]);
    await desks.one.note("hello");
    equal(await noted.promise, "hello");
  });
});

test("what has one key keeps one order, whatever version asks", async () => {
  const log: string[] = [];
  const gates = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const began = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  let asked = 0;
  await using desks = await desk({
    async book({ place: { seat } }) {
      const mine = asked++;
      log.push(`begin ${seat}`);
      began[mine]!.resolve();
      await gates[mine]!.promise;
      log.push(`end ${seat}`);
      return { booked: seat };
    },
  });
  // "a!" is what the older schema makes of "a": it is the key under which the newer operation knows it.
  const first = desks.one.book({ seat: "a" });
  await began[0]!.promise;
  const second = desks.two.book({ place: { seat: "a!" } });
  for (let turns = 0; turns < 20; turns++) await new Promise(setImmediate);
  deepEqual(log, ["begin a!!"]);
  gates[0]!.resolve();
  await began[1]!.promise;
  gates[1]!.resolve();
  await Promise.all([first, second]);
  deepEqual(log, ["begin a!!", "end a!!", "begin a!!", "end a!!"]);
});
