// Real processes that share a folder, while its owner is killed, leaves, or stands still.
import { deepEqual, equal, match, ok } from "node:assert/strict";
import { suite, test, type TestContext } from "node:test";
import { openBroker, realEnv } from "trunkline";
import { fileURLToPath } from "node:url";
import { accountOf, Scene } from "./embedded/processes.ts";
import { fromSource, start } from "./program.ts";

const trunkline = fileURLToPath(new URL("../src/cli/main.ts", import.meta.url));

const timeout = 120_000;
const count = 1_000;
const load = { order: "publish", from: 0, count, inFlight: 50 } as const;

/** Confirmed messages after which the owner is killed, or leaves: it is in the middle of the load. */
const middle = 300;

suite("processes that share a folder", () => {
  test(
    "lose and double nothing, and keep the order of keys, when its owner is killed again and again",
    { timeout },
    async (t: TestContext) => {
      const scene = new Scene(t);
      await scene.start("first");
      const began = [await scene.start("a"), await scene.start("b"), await scene.start("c")];
      for (const each of began) each.order(load);
      let newest = began[0]!;
      for (let kills = 1; kills <= 3; kills++) {
        await newest.said("confirmed", middle);
        await scene.owner().kill();
        newest = await scene.start(`after-${kills}`);
        newest.order(load);
      }
      const alive = scene.workers.filter((each) => !each.ended);
      await Promise.all(
        alive.map((each) => each.said(each.name === "first" ? "open" : "published")),
      );
      await scene.handled();
      for (const each of alive) await each.close();
      const { confirmed, failed, lost, doubled, disordered } = accountOf(scene.workers);
      ok(confirmed >= 3 * count, `${confirmed}`);
      deepEqual(
        { failed, lost, doubled, disordered },
        { failed: [], lost: [], doubled: [], disordered: [] },
      );
    },
  );

  test(
    "hand it over without losing or repeating anything, and nobody who publishes is refused",
    { timeout },
    async (t: TestContext) => {
      const scene = new Scene(t);
      const leaving = [await scene.start("first"), await scene.start("second")];
      const publishers = [await scene.start("a"), await scene.start("b")];
      for (const each of publishers) each.order(load);
      for (const [index, each] of leaving.entries()) {
        await publishers[0]!.said("confirmed", (index + 1) * middle);
        await each.close();
      }
      await Promise.all(publishers.map((each) => each.said("published")));
      await scene.handled();
      for (const each of publishers) await each.close();
      const { confirmed, ...account } = accountOf(scene.workers);
      equal(confirmed, 2 * count);
      deepEqual(account, { failed: [], lost: [], doubled: [], disordered: [], again: [] });
    },
  );

  test(
    "say what to do when its owner is stopped, and go on when it is",
    { timeout },
    async (t: TestContext) => {
      const scene = new Scene(t);
      const owner = await scene.start("owner");
      const guest = await scene.start("guest", 1_000);
      owner.signal("SIGSTOP");
      guest.order({ order: "publish", from: 0, count: 1, inFlight: 1 });
      await guest.said("published");
      const { failed } = accountOf(scene.workers);
      match(
        failed[0]!,
        new RegExp(`UNAVAILABLE.*pid ${owner.pid}, is stopped.*kill -CONT ${owner.pid}`, "s"),
      );
      owner.signal("SIGCONT");
      guest.order({ order: "publish", from: 1, count: 1, inFlight: 1 });
      await guest.said("confirmed");
      await guest.close();
      await owner.close();
    },
  );

  test(
    "serve clients of RabbitMQ at the same address after the owner was killed, where another broker stood by",
    { timeout },
    async (t: TestContext) => {
      const scene = new Scene(t);
      const run = async (listen: string) => {
        const words = ["broker", "--data", scene.folder, "--listen", listen, "--json"];
        const program = start(
          process.execPath,
          [...fromSource, trunkline, ...words],
          import.meta.dirname,
        );
        t.after(() => program.kill("SIGKILL"));
        const line = await program.line();
        return { program, line, first: JSON.parse(line) as { role: string; listening: string[] } };
      };
      const owner = await run("amqp://127.0.0.1:0");
      equal(owner.first.role, "owner");
      const [address] = owner.first.listening;
      const other = await run(address!);
      equal(other.first.role, "guest");
      owner.program.kill("SIGKILL");
      await other.program.printed(other.line.length + 2);
      const broker = await openBroker(
        address!.replace("//", "//guest:guest@"),
        { name: "test" },
        realEnv(),
      );
      equal(broker.name, "rabbitmq");
      await broker.close();
      other.program.kill("SIGTERM");
      const { code, stdout } = await other.program.ended;
      equal(code, 0);
      deepEqual(
        stdout
          .trim()
          .split("\n")
          .map((each) => (JSON.parse(each) as { role?: string }).role),
        ["guest", "owner", undefined],
      );
    },
  );
});
