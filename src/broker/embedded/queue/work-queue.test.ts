import { deepEqual, equal, ok, throws } from "node:assert/strict";
import { suite, test } from "node:test";
import { Refusal } from "../refusal.ts";
import { Hearing, NodeBench } from "../testing/bench.ts";

const numbered = (count: number, from = 1): string[] =>
  Array.from({ length: count }, (_, index) => String(from + index));

suite("a queue of an embedded broker", () => {
  test("gives each message to one of its consumers, in turn, as far as they have room", () => {
    const bench = new NodeBench();
    bench.queue("q");
    const [a, b] = [bench.consume("q", {}, 2), bench.consume("q", {}, 10)];
    bench.send("q", numbered(6));
    deepEqual(a.texts, ["1", "3"]);
    deepEqual(b.texts, ["2", "4", "5", "6"]);
    equal(bench.host.queue("q")!.unsettled, 6);
  });

  test("serves consumers of a higher priority first while they have room", () => {
    const bench = new NodeBench();
    bench.queue("q");
    const low = bench.consume("q");
    const high = bench.consume("q", { priority: 5 }, 2);
    bench.send("q", numbered(3));
    deepEqual([high.texts, low.texts], [["1", "2"], ["3"]]);
  });

  test("with a single active consumer serves the first, and the next one when it has left", () => {
    const bench = new NodeBench();
    bench.queue("q", { singleActive: true });
    const [first, second] = [bench.consume("q"), bench.consume("q")];
    bench.send("q", ["1", "2"]);
    deepEqual([first.texts, second.texts], [["1", "2"], []]);
    first.ack("1");
    first.consumer.close();
    deepEqual(second.texts, ["2"]);
    equal(second.of("2").attempt, 2);
  });

  test("puts what is released back to its place, and counts the attempt", () => {
    const bench = new NodeBench();
    bench.queue("q");
    const hearing = bench.consume("q", {}, 1);
    bench.send("q", numbered(3));
    hearing.release("1");
    deepEqual(hearing.texts, ["1", "1"]);
    deepEqual([hearing.of("1").attempt, hearing.of("1").redelivered], [2, true]);
    hearing.ack("1");
    hearing.consumer.wake();
    deepEqual(hearing.texts, ["1", "1", "2"]);
  });

  test("settles a message once, and only for who has it", () => {
    const bench = new NodeBench();
    bench.queue("q");
    const [mine, other] = [bench.consume("q", {}, 1), new Hearing(0)];
    bench.send("q", ["1"]);
    other.consumer = bench.consume("q").consumer;
    equal(other.consumer.ack(mine.of("1")), false);
    equal(mine.ack("1"), true);
    equal(mine.ack("1"), false);
    equal(bench.host.queue("q")!.count, 0);
  });

  test("holds back what is delayed until its instant, and nothing else meanwhile", async () => {
    const bench = new NodeBench();
    bench.queue("q");
    const hearing = bench.consume("q");
    const now = bench.env.wall();
    bench.host.publish(bench.message("late", { routingKey: "q" }), now + 500);
    bench.host.publish(bench.message("soon", { routingKey: "q" }), now + 100);
    bench.send("q", ["now"]);
    deepEqual(hearing.texts, ["now"]);
    equal(bench.host.queue("q")!.held, 2);
    await bench.after(110);
    deepEqual(hearing.texts, ["now", "soon"]);
    await bench.after(400);
    deepEqual(hearing.texts, ["now", "soon", "late"]);
    ok(bench.env.wall() >= now + 500);
  });

  test("lets what has expired go wherever it waits, not at the head alone", async () => {
    const bench = new NodeBench();
    bench.queue("dead");
    bench.queue("q", { deadLetterExchange: "", deadLetterRoutingKey: "dead" });
    bench.send("q", ["lasts"]);
    bench.send("q", ["fades"], { expirationMs: 50 });
    await bench.after(70);
    deepEqual(await bench.texts("q"), ["lasts"]);
    deepEqual(await bench.texts("dead"), ["fades"]);
  });

  test("lets what has expired go also where it is on disk alone", async () => {
    const bench = new NodeBench({ windowBytesMax: 1 });
    bench.queue("dead");
    bench.queue("q", { deadLetterExchange: "", deadLetterRoutingKey: "dead" });
    bench.send("q", numbered(40));
    bench.send("q", ["fades"], { expirationMs: 50 });
    await bench.after(80);
    deepEqual(await bench.texts("q"), numbered(40));
    deepEqual(await bench.texts("dead"), ["fades"]);
    equal(bench.host.queue("q")!.count, 40);
  });

  test("lets what has expired go once, though its time is found on disk while it comes", async () => {
    const bench = new NodeBench({ windowBytesMax: 1 });
    bench.queue("dead");
    bench.queue("q", { deadLetterExchange: "", deadLetterRoutingKey: "dead" });
    bench.send("q", numbered(40));
    await bench.after();
    bench.restart();
    // The new process has just begun to look for what is due.
    bench.send("q", ["fades"], { expirationMs: 50 });
    await bench.after(80);
    deepEqual(await bench.texts("dead"), ["fades"]);
    equal(bench.host.queue("q")!.count, 40);
  });

  test("gives up the oldest where there are too many, or refuses the newest, as it was declared", async () => {
    const bench = new NodeBench();
    const dead = { deadLetterExchange: "", deadLetterRoutingKey: "dead" };
    bench.queue("dead");
    bench.queue("drops", { lengthMax: 2, ...dead });
    bench.queue("refuses", { lengthMax: 2, overflow: "reject-publish", ...dead });
    bench.queue("buries", { lengthMax: 2, overflow: "reject-publish-dlx", ...dead });
    equal(bench.send("drops", ["a", "b", "c"]), true);
    equal(bench.send("refuses", ["d", "e", "f"]), false);
    equal(bench.send("buries", ["g", "h", "i"]), false);
    await bench.after();
    deepEqual(await bench.texts("drops"), ["b", "c"]);
    deepEqual(await bench.texts("refuses"), ["d", "e"]);
    deepEqual(await bench.texts("buries"), ["g", "h"]);
    deepEqual(await bench.texts("dead"), ["a", "i"]);
  });

  test("gives up what was rejected, or tried too often, and keeps it where dead letters go", async () => {
    const bench = new NodeBench();
    bench.queue("dead");
    const dead = { deadLetterExchange: "", deadLetterRoutingKey: "dead" };
    bench.queue("q", { ...dead, deliveryLimit: 2 });
    const hearing = bench.consume("q");
    bench.send("q", ["bad", "poison"]);
    hearing.reject("bad");
    for (let times = 0; times < 2; times++) hearing.release("poison");
    equal(hearing.of("poison").attempt, 3);
    hearing.release("poison");
    await bench.after();
    deepEqual(await bench.texts("dead"), ["bad", "poison"]);
    equal(bench.host.queue("q")!.count, 0);
  });

  test("takes higher priorities first, those of one in their order", () => {
    const bench = new NodeBench();
    bench.queue("q", { priorityMax: 3 });
    for (const [text, priority] of [
      ["a", 0],
      ["b", 3],
      ["c", 1],
      ["d", 9],
    ] as const)
      bench.send("q", [text], { priority });
    deepEqual(bench.consume("q").texts, ["b", "d", "c", "a"]);
  });

  test("where keys are in order has one message of each key with a consumer, and others go on", () => {
    const bench = new NodeBench();
    bench.queue("q", { keyOrder: true });
    bench.send("q", ["a1", "a2"], { key: "a" });
    bench.send("q", ["b1"], { key: "b" });
    bench.send("q", ["free"]);
    const [one, other] = [bench.consume("q"), bench.consume("q")];
    const heard = (): string[] => [...one.texts, ...other.texts];
    deepEqual(heard().toSorted(), ["a1", "b1", "free"]);
    const owner = one.texts.includes("a1") ? one : other;
    owner.release("a1", bench.env.wall() + 100);
    equal(heard().includes("a2"), false);
  });

  test("where keys are in order goes on with a key when its turn is over, also after a pause", async () => {
    const bench = new NodeBench();
    bench.queue("q", { keyOrder: true });
    bench.send("q", ["a1", "a2"], { key: "a" });
    const hearing = bench.consume("q");
    hearing.release("a1", bench.env.wall() + 100);
    await bench.after(120);
    deepEqual(hearing.texts, ["a1", "a1"]);
    hearing.ack("a1");
    deepEqual(hearing.texts, ["a1", "a1", "a2"]);
  });

  test("divided by shards gives each to one consumer, and fences it when that changes", async () => {
    const bench = new NodeBench();
    bench.queue("q", { shards: 4 });
    const keys = numbered(8);
    for (const key of keys) bench.send("q", [`${key}.1`], { key });
    const lost: string[] = [];
    const first = bench.consume("q", { lost: (shard) => lost.push(shard) });
    deepEqual(first.consumer.shards, ["0", "1", "2", "3"]);
    equal(first.texts.length, 8);
    const second = bench.consume("q");
    await bench.after();
    equal(second.consumer.shards.length, 2);
    const moved = first.handed.filter(({ shard }) => second.consumer.shards.includes(shard));
    deepEqual(lost.toSorted(), [...second.consumer.shards].toSorted());
    equal(first.consumer.ack(moved[0]!), false);
    deepEqual(
      second.texts.toSorted(),
      moved.map(({ message }) => Buffer.from(message.body).toString()).toSorted(),
    );
  });

  test("keeps a window of what waits in memory, and gives all of it in its order", async () => {
    const bench = new NodeBench({ windowBytesMax: 1 });
    bench.queue("q");
    bench.send("q", numbered(200));
    equal(bench.host.queue("q")!.ready, 200);
    const hearing = bench.consume("q");
    await bench.after();
    deepEqual(hearing.texts, numbered(200));
    for (const text of numbered(200)) ok(hearing.ack(text));
    await bench.after();
    deepEqual(await bench.texts("q"), []);
  });

  test("finds again after a restart what was safe, and counts what had been delivered as tried", async () => {
    const bench = new NodeBench();
    bench.queue("q");
    const hearing = bench.consume("q", {}, 2);
    bench.send("q", numbered(3));
    hearing.consumer.ack(hearing.of("1"));
    await bench.after();
    bench.restart();
    const again = bench.consume("q");
    await bench.after();
    deepEqual(again.texts, ["2", "3"]);
    deepEqual([again.of("2").attempt, again.of("3").attempt], [2, 1]);
  });

  test("loses with its process what was not persistent, or not yet written", async () => {
    const bench = new NodeBench({}, "manual");
    bench.queue("q");
    bench.queue("passing", { durable: false });
    bench.send("q", ["written"]);
    while (bench.storage.commit()) continue;
    bench.send("q", ["fleeting"], { persistent: false });
    bench.send("q", ["late"]);
    bench.restart();
    await bench.after();
    deepEqual(await bench.texts("q"), ["written"]);
    equal(bench.host.queue("passing"), undefined);
  });

  test("forgets what waits when it is purged, and not what consumers have", async () => {
    const bench = new NodeBench({ windowBytesMax: 1 });
    bench.queue("q");
    const hearing = bench.consume("q", {}, 1);
    bench.send("q", numbered(50));
    equal(bench.host.purge("q"), 49);
    await bench.after();
    deepEqual(await bench.texts("q"), ["1"]);
    hearing.ack("1");
    bench.send("q", ["51"]);
    await bench.after();
    deepEqual(hearing.texts, ["1", "51"]);
  });

  test("goes with its last consumer, or when nobody has used it for a while, where it was declared so", async () => {
    const bench = new NodeBench();
    bench.queue("auto", { autoDelete: true });
    bench.queue("lease", { expiresMs: 100 });
    bench.consume("auto").consumer.close();
    equal(bench.host.queue("auto"), undefined);
    const hearing = bench.consume("lease");
    await bench.after(200);
    ok(bench.host.queue("lease"));
    hearing.consumer.close();
    await bench.after(110);
    equal(bench.host.queue("lease"), undefined);
  });

  test("tells its consumers when it is deleted, and refuses them where somebody is alone", () => {
    const bench = new NodeBench();
    bench.queue("q");
    const hearing = bench.consume("q", { exclusive: true });
    throws(() => bench.consume("q"), Refusal);
    bench.host.deleteQueue("q");
    equal(hearing.cancellations.length, 1);
    throws(() => bench.consume("q"), Refusal);
  });

  test("gives one message at a time to who is no consumer", async () => {
    const bench = new NodeBench({ windowBytesMax: 1 });
    bench.queue("q");
    bench.send("q", numbered(30));
    for (let left = 29; left >= 27; left--) {
      const taken = await bench.host.take("q");
      equal(taken?.remaining, left);
      ok(taken.by.ack(taken.handed));
    }
    bench.host.purge("q");
    equal(await bench.host.take("q"), undefined);
  });

  test("publishes as safe as it says: a receipt is due with the batch that the message is in", async () => {
    const bench = new NodeBench({}, "manual");
    bench.queue("q");
    while (bench.storage.commit()) continue;
    const { batch } = bench.host.publish(bench.message("1", { routingKey: "q" }));
    ok(batch > bench.storage.safe);
    bench.storage.commit();
    ok(batch <= bench.storage.safe);
    const transient = bench.message("2", { routingKey: "q", persistent: false });
    equal(bench.host.publish(transient).batch, 0);
  });
});
