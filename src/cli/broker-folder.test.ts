import { deepEqual, equal, match, ok } from "node:assert/strict";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { suite, test, type TestContext } from "node:test";
import { trial, type Trial } from "./trial.ts";

function folder(context: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), "trunkline-cli-"));
  context.after(() => rmSync(path, { recursive: true }));
  return path;
}

/** Runs a broker until it is stopped; resolves when it has printed its first object. */
async function running(words: readonly string[], tell: (text: string) => void = () => {}) {
  const printed = Promise.withResolvers<string>();
  const stopped = new AbortController();
  const print = async (text: string | Uint8Array): Promise<void> => printed.resolve(String(text));
  const ended = trial(["broker", ...words, "--json"], {
    ...{ print, tell, interrupted: stopped.signal },
  });
  void ended.then(({ err }) => printed.reject(new Error(err))); // where it has ended before it said anything
  const first = JSON.parse(await printed.promise) as {
    readonly role: string;
    readonly listening: readonly string[];
    readonly users: string[];
  };
  const stop = (): Promise<Trial> => {
    stopped.abort();
    return ended;
  };
  return { ...first, stop, ended };
}

suite("the broker of a folder", () => {
  test("is run for clients of RabbitMQ, its tools and Trunkline's, and looked at meanwhile", async (context: TestContext) => {
    const data = join(folder(context), "data");
    const free = ["amqp", "http", "tcp"].flatMap((scheme) => [
      "--listen",
      `${scheme}://127.0.0.1:0`,
    ]);
    const broker = await running(["--data", data, ...free]);
    equal(broker.role, "owner");
    deepEqual(broker.users, ["guest"]);
    const [amqp, http, tcp] = broker.listening;
    const sent = await trial(["publish", `broker+${tcp}`, "plans", '{"a":1}', "--queue"]);
    equal(sent.code, 0, sent.err);
    const own = amqp!.replace("//", "//guest:guest@");
    equal((await trial(["publish", own, "plans", '{"a":2}', "--queue"])).code, 0);
    const answer = await fetch(`${http}/api/queues/%2F/plans`, {
      headers: { authorization: `Basic ${btoa("guest:guest")}` },
    });
    equal(((await answer.json()) as { readonly messages: number }).messages, 2);
    const looked = await trial(["broker", "queues", data]);
    match(looked.out, /^ {2}plans {2}queue {2}disk {7}2 /m);
    match(
      (await trial(["broker", "status", data])).out,
      /trunkline broker, pid \d+.*1 queue.*2 messages/s,
    );
    const busy = await trial(["broker", "verify", data]);
    match(busy.err, /open in another process/);
    equal(busy.code, 4);
    equal((await broker.stop()).code, 0);
    match((await trial(["broker", "verify", data])).out, /^sound: 2 messages/);
  });

  test("has what a definitions file of RabbitMQ says, and gives it back", async (context: TestContext) => {
    const path = folder(context);
    const file = join(path, "rabbitmq.json");
    const queue = { name: "paid", vhost: "/", durable: true, auto_delete: false, arguments: {} };
    writeFileSync(file, JSON.stringify({ vhosts: [{ name: "/" }], queues: [queue] }));
    const data = join(path, "data");
    const taken = await trial(["broker", "definitions", data, "--take", file]);
    equal(taken.code, 0, taken.err);
    match(taken.out, /1 queues/);
    const given = JSON.parse((await trial(["broker", "definitions", data])).out) as {
      readonly queues: readonly object[];
    };
    deepEqual(given.queues, [queue]);
    writeFileSync(file, "no JSON");
    const refused = await trial(["broker", "definitions", data, "--take", file]);
    equal(refused.code, 4);
    match(refused.err, /INVALID_ARGUMENT/);
  });

  test("is moved as lines of JSON, with all that waits in it", async (context: TestContext) => {
    const path = folder(context);
    const [from, to, lines] = [join(path, "from"), join(path, "to"), join(path, "lines.jsonl")];
    for (const each of ["1", "2"])
      await trial(["publish", `file:${from}`, "plans", `{"n":${each}}`, "--queue"]);
    match((await trial(["broker", "export", from, lines])).out, /^2 messages written/);
    equal(readFileSync(lines, "utf8"), (await trial(["broker", "export", from])).out);
    match((await trial(["broker", "import", to, lines])).out, /^2 messages in /);
    match((await trial(["lag", `file:${to}`, "plans"])).out, /2 waiting/);
    match((await trial(["broker", "compact", to])).out, /KiB now/);
    const again = await trial(["broker", "import", to, lines]);
    ok(again.code !== 0 && /INVALID_ARGUMENT|ALREADY|there/.test(again.err), again.err);
  });

  test("is exported to a new file and imported from one that is there, or says what is wrong", async (context: TestContext) => {
    const path = folder(context);
    const [from, lines] = [join(path, "from"), join(path, "lines.jsonl")];
    await trial(["publish", `file:${from}`, "plans", "1", "--queue"]);
    writeFileSync(lines, "mine");
    const there = await trial(["broker", "export", from, lines]);
    equal(there.code, 2);
    match(there.err, /lines\.jsonl is there already; name another file/);
    equal(readFileSync(lines, "utf8"), "mine");
    const none = await trial(["broker", "import", join(path, "to"), join(path, "none.jsonl")]);
    equal(none.code, 2);
    match(none.err, /there is no file .*none\.jsonl/);
    ok(!existsSync(join(path, "to")));
    const failed = join(path, "failed.jsonl");
    equal((await trial(["broker", "export", join(path, "nowhere"), failed])).code, 4);
    ok(!existsSync(failed));
  });

  test("is handed over at SIGUSR2 as at SIGTERM, and SIGHUP does nothing to it", async (context: TestContext) => {
    const data = join(folder(context), "data");
    const broker = await running(["--data", data]);
    process.report.reportOnSignal = false; // `node --test` asks for that, by SIGUSR2
    for (const what of ["reload", "drain"]) {
      const sent = await trial(["signal", String(process.pid), what]);
      equal(sent.code, 0, sent.err);
    }
    equal((await broker.ended).code, 0);
    match((await trial(["broker", "verify", data])).out, /^sound/);
  });

  test("says why it is not served any more", async (context: TestContext) => {
    const data = join(folder(context), "data");
    await trial(["publish", `file:${data}`, "plans", `"${"x".repeat(1_000_000)}"`, "--queue"]);
    const told = Promise.withResolvers<string>();
    const broker = await running(["--data", data], told.resolve);
    const path = join(data, "broker.sqlite");
    const bytes = readFileSync(path);
    writeFileSync(path, bytes.fill(0xa5, 4_096), { flag: "r+" });
    const enough = new AbortController();
    const looked = trial(["tail", `file:${data}`, "plans", "--queue"], {
      interrupted: enough.signal,
    });
    match(await told.promise, /^DATA_LOSS: .*broker\.sqlite/);
    enough.abort();
    await Promise.all([looked, broker.stop()]);
  });

  test("sends no password in clear over a network unless that is said, and listens at nothing unknown", async (context: TestContext) => {
    const data = join(folder(context), "data");
    const refused = await trial(["broker", "--data", data, "--listen", "amqp://0.0.0.0"]);
    equal(refused.code, 2);
    match(refused.err, /--insecure/);
    ok(!existsSync(data));
    const unknown = await trial(["broker", "--data", data, "--listen", "mqtt://127.0.0.1"]);
    equal(unknown.code, 2);
    match(unknown.err, /write one of amqp, amqps/);
    ok(!existsSync(data));
  });

  test("is not made by whoever only looks for it", async (context: TestContext) => {
    const data = join(folder(context), "data");
    for (const what of ["status", "queues", "users", "definitions", "inspect", "verify"]) {
      const { code, err } = await trial(["broker", what, data]);
      equal(code, 4, what);
      match(err, /data/);
    }
    ok(!existsSync(data));
  });

  test("says that somebody else listens there, and ends", async (context: TestContext) => {
    const path = folder(context);
    const one = await running(["--data", join(path, "one"), "--listen", "amqp://127.0.0.1:0"]);
    const other = await trial([
      "broker",
      "--data",
      join(path, "other"),
      "--listen",
      one.listening[0]!,
    ]);
    ok(other.code !== 0);
    match(other.err, /UNAVAILABLE|in use|listen/);
    await one.stop();
  });
});
