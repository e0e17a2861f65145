import { deepEqual, equal, ok, rejects } from "node:assert/strict";
import { mkdir } from "node:fs/promises";
import { platform } from "node:os";
import { join } from "node:path";
import { suite, test, type TestContext } from "node:test";
import { isTrunklineError, systemError, type TrunklineError } from "../../base/error.ts";
import type { Delivery } from "../../broker/broker.ts";
import { channel, type Channel } from "../../broker/channel.ts";
import type { Envelope } from "../../broker/envelope.ts";
import { engine, type OpenEngine } from "./engine.ts";
import { tryLock } from "./owner-lock.ts";
import { readOwner } from "./owner-note.ts";
import { SharedFolder } from "./testing/shared-folder.ts";

const work: Channel = channel({ name: "work", shape: "queue", ordered: true, shards: 2 });

function envelope(id: string, subject: string = "key"): Envelope {
  return {
    id,
    type: "test.said",
    source: "/test",
    subject,
    time: 0,
    contentType: "text/plain",
    attributes: {},
    data: Buffer.from(id),
  };
}

suite("a folder with a broker", () => {
  test("is owned by the first that comes; the others are its guests and promise the same", async (context: TestContext) => {
    const shared = new SharedFolder(context);
    const [first, second] = [shared.folder(), shared.folder()];
    const a = await shared.open(first);
    const b = await shared.open(second);
    equal(first.life!.role, "owner");
    equal(second.life!.role, "guest");
    deepEqual(a.capabilities, b.capabilities);
    equal(a.address, `file:${shared.path}`);
    equal((await readOwner(shared.path))!.epoch, 1);
    await b.declare([work]);
    const heard = Promise.withResolvers<Delivery>();
    await a.consume({ channel: work, group: undefined, prefetch: 5 }, ([each]) =>
      heard.resolve(each!),
    );
    const [receipt] = await b.publish([{ channel: work, envelope: envelope("one") }]);
    ok(!isTrunklineError(receipt));
    equal((await heard.promise).envelope.id, "one");
    await (await heard.promise).ack();
    equal((await b.lag(work, undefined)).waiting, 0);
    await b.close();
    await a.close();
  });

  test("goes to a guest when its owner leaves, and nobody who publishes or consumes notices", async (context: TestContext) => {
    const shared = new SharedFolder(context);
    const [first, second, third] = [shared.folder(), shared.folder(), shared.folder()];
    const a = await shared.open(first);
    const b = await shared.open(second);
    const c = await shared.open(third);
    await a.declare([work]);
    const heard: string[] = [];
    const all = Promise.withResolvers<void>();
    await c.consume({ channel: work, group: undefined, prefetch: 50 }, (batch) => {
      for (const each of batch) {
        heard.push(each.envelope.id);
        void each.ack();
        if (heard.length === 300) all.resolve();
      }
    });
    const outcomes: unknown[] = [];
    let leaving: Promise<void> | undefined;
    for (let index = 0; index < 300; index++) {
      if (index === 100) leaving = a.close();
      outcomes.push(b.publish([{ channel: work, envelope: envelope(String(index)) }]));
      if (index % 10 === 0) await outcomes.at(-1);
    }
    await leaving;
    ok((await Promise.all(outcomes)).flat().every((each) => !isTrunklineError(each)));
    await all.promise;
    deepEqual(
      heard,
      Array.from({ length: 300 }, (_, index) => String(index)),
    );
    deepEqual([second.life!.role, third.life!.role].toSorted(), ["guest", "owner"]);
    equal((await readOwner(shared.path))!.epoch, 2);
    await b.close();
    await c.close();
    const lock = tryLock(shared.path);
    ok(lock !== undefined);
    lock.release();
  });

  test("keeps the address of a reply box when its owner leaves", async (context: TestContext) => {
    const shared = new SharedFolder(context);
    const a = await shared.open();
    const b = await shared.open();
    const heard: string[] = [];
    let came = Promise.withResolvers<void>();
    const hear = ({ id }: Envelope): void => {
      heard.push(id);
      came.resolve();
    };
    const once = await b.replies({ name: undefined }, hear);
    const { address } = once;
    await a.reply(address, envelope("first"));
    await came.promise;
    came = Promise.withResolvers();
    await a.close();
    await b.reply(address, envelope("second"));
    await came.promise;
    equal(once.address, address);
    deepEqual(heard, ["first", "second"]);
    await b.close();
  });

  test("keeps a reply for whoever has not come back yet to the next owner", async (context: TestContext) => {
    const shared = new SharedFolder(context);
    const a = await shared.open();
    const later = "once/of-a-process-that-is-still-looking";
    const heard = Promise.withResolvers<string>();
    const open = engine({});
    await a.close();
    const next = await open(shared.path, shared.env);
    await next.shared.open("b").reply(later, envelope("early"));
    await next.shared.openReplies({ name: undefined }, ({ id }) => heard.resolve(id), later);
    equal(await heard.promise, "early");
    await next.close();
  });

  test(
    "may have a path that is too long for a socket",
    { skip: platform() !== "linux" },
    async (context: TestContext) => {
      const shared = new SharedFolder(context);
      const folder = join(shared.path, "so-long-a-name-that-nobody-would-give-it".repeat(4));
      await mkdir(folder);
      const [first, second] = [shared.folder({ folder }), shared.folder({ folder })];
      const a = await shared.open(first);
      const b = await shared.open(second);
      equal(second.life!.role, "guest");
      await b.declare([work]);
      deepEqual((await a.lag(work, undefined)).waiting, 0);
      await b.close();
      await a.close();
    },
  );

  test("waits for nobody when its only process leaves, and can be opened again", async (context: TestContext) => {
    const shared = new SharedFolder(context);
    for (let epoch = 1; epoch <= 3; epoch++) {
      const broker = await shared.open();
      equal((await readOwner(shared.path))!.epoch, epoch);
      await broker.close();
    }
    equal(shared.env.alarms, 0);
  });

  test("is opened anew when its storage has failed, with what was not confirmed", async (context: TestContext) => {
    const open = engine({});
    const failures: PromiseWithResolvers<TrunklineError>[] = [];
    const failing: OpenEngine = async (folder, env) => {
      const failure = Promise.withResolvers<TrunklineError>();
      failures.push(failure);
      return { ...(await open(folder, env)), failed: failure.promise };
    };
    const shared = new SharedFolder(context, failing);
    const folder = shared.folder();
    const [a, b] = [await shared.open(folder), await shared.open()];
    await a.declare([work]);
    const lost: string[] = [];
    const shards = Promise.withResolvers<void>();
    const got: string[] = [];
    const both = Promise.withResolvers<void>();
    const lose = (shard: string): void => void (lost.push(shard) === 2 && shards.resolve());
    const subscription = { channel: work, group: undefined, prefetch: 5, lost: lose };
    await a.consume(subscription, (batch) => {
      for (const each of batch) {
        void each.ack();
        if (got.push(each.envelope.id) === 2) both.resolve();
      }
    });
    await b.publish([{ channel: work, envelope: envelope("before") }]);
    failures[0]!.resolve(systemError("UNAVAILABLE", "the disk is gone", { executed: "maybe" }));
    await shards.promise;
    const outcomes = await b.publish([{ channel: work, envelope: envelope("after") }]);
    ok(!isTrunklineError(outcomes[0]));
    await both.promise;
    deepEqual(got, ["before", "after"]);
    equal(failures.length, 2);
    equal((await readOwner(shared.path))!.epoch, 2);
    await b.close();
    await a.close();
  });

  test("that is still open in a process that has just died is opened a moment later", async (context: TestContext) => {
    const open = engine({});
    let tries = 0;
    const shared = new SharedFolder(context, async (folder, env) => {
      if (tries++ < 2) throw systemError("UNAVAILABLE", "it is open", { executed: "no" });
      return open(folder, env);
    });
    const broker = await shared.open();
    equal(tries, 3);
    await broker.close();
  });

  test("that cannot be opened says why to whoever opens it", async (context: TestContext) => {
    const shared = new SharedFolder(context, () => Promise.reject(new Error("it is damaged")));
    await rejects(shared.open(), /it is damaged/);
    await rejects(shared.open(), /it is damaged/); // the lock is free again
  });

  test("whose owner does not answer says so, and who it is", async (context: TestContext) => {
    const shared = new SharedFolder(context);
    const broker = await shared.open();
    await broker.close(); // its note stays
    const lock = tryLock(shared.path)!;
    const started = shared.open(shared.folder(), 100);
    await rejects(started, (error) => {
      ok(isTrunklineError(error));
      equal(error.code, "UNAVAILABLE");
      equal(error.executed, "no");
      ok(/process 1, pid 1/.test(error.message), error.message);
      return true;
    });
    lock.release();
  });
});
