import { deepEqual, equal, match, throws } from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { suite, test, type TestContext } from "node:test";
import { isTrunklineError } from "../../base/error.ts";
import { realEnv } from "../../base/real-env.ts";
import { channel } from "../../broker/channel.ts";
import { openBroker } from "../broker-at.ts";
import { file } from "./file-at.ts";

function folder(context: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), "trunkline-file-at-"));
  context.after(() => rmSync(path, { recursive: true }));
  return `file:${path}/data`;
}

const plans = channel({ name: "plans", shape: "queue" });

suite("a folder whose owner serves it at addresses too", () => {
  test("has the same queues for clients of RabbitMQ and for processes that name it over a connection", async (context: TestContext) => {
    const env = realEnv();
    const listening = Promise.withResolvers<readonly string[]>();
    const make = file({
      listen: ["amqp://127.0.0.1:0", "tcp://127.0.0.1:0"],
      onListening: listening.resolve,
      onProblem: listening.reject,
    });
    await using own = await make.open(folder(context), { name: "own" }, env);
    await own.declare([plans]);
    const [amqp = "", tcp = ""] = await listening.promise;
    const others = [amqp.replace("//", "//guest:guest@"), `broker+${tcp}`];
    for (const [index, address] of others.entries()) {
      await using other = await openBroker(address, { name: "other" }, env);
      const envelope = {
        ...{ id: String(index), type: "test.said", source: "/test", subject: undefined, time: 0 },
        ...{ contentType: "text/plain", attributes: {}, data: Buffer.from(address) },
      };
      const [receipt] = await other.publish([{ channel: plans, envelope }]);
      equal(isTrunklineError(receipt) ? receipt.message : receipt!.enqueued, "stored");
    }
    const waiting = await own.browse(plans, undefined, 10);
    deepEqual(
      waiting.map(({ id }) => id),
      ["0", "1"],
    );
  });

  test("goes on without an address that somebody else has, and says so", async (context: TestContext) => {
    const env = realEnv();
    const first = Promise.withResolvers<readonly string[]>();
    const taken = file({ listen: "amqp://127.0.0.1:0", onListening: first.resolve });
    await using _taken = await taken.open(folder(context), { name: "taken" }, env);
    const [listen = ""] = await first.promise;
    const problem = Promise.withResolvers<unknown>();
    const make = file({ listen, onProblem: problem.resolve });
    await using broker = await make.open(folder(context), { name: "late" }, env);
    match(String(await problem.promise), /UNAVAILABLE/);
    deepEqual(await broker.declare([plans]), []);
  });

  test("sends no password in clear over a network unless that is said", () => {
    throws(() => file({ listen: "amqp://0.0.0.0" }), { code: "INVALID_ARGUMENT" });
    throws(() => file({ listen: "http://10.0.0.1:15672" }), { code: "INVALID_ARGUMENT" });
    file({ listen: ["amqps://0.0.0.0", "amqp://[::1]:5672", "amqp://localhost"] });
    file({ listen: "amqp://0.0.0.0", insecure: true });
  });
});
