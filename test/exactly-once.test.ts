// Exactly once means processed once: over a real Kafka, by its transactions, while who processes is killed in the middle of it.
import { deepEqual, equal, rejects } from "node:assert/strict";
import { fork, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { suite, test } from "node:test";
import { chassis, client, on } from "trunkline";
import { missing } from "../scripts/servers/for-tests.ts";
import { kafka, ownKafka } from "../scripts/servers/kafka.ts";
import { channelsOf, Mill } from "./exactly-once/contract.ts";

const count = 600;
const keys = 20;
/** After so many messages it is killed: in the middle of a batch, of a transaction, of a commit, wherever that is. */
const kills = [7, 33, 60, 21];

test("a channel that cannot process once refuses to be declared so", async () => {
  await rejects(
    chassis({
      name: "miller",
      messages: "direct:exactly-once",
      bindings: channelsOf("mill"),
      serve: [on(Mill.grain, { group: "millers" }, () => {})],
      signals: false,
    }),
    /event mill\.grain asks for delivery "exactly-once", which direct[^]*kafka:\/\//,
  );
});

suite("exactly once over a real Kafka", { skip: missing(kafka) ?? false }, () => {
  test(
    "each message has its outcome once, however often its consumer is killed",
    { timeout: 240_000 },
    async () => {
      await using own = await ownKafka();
      const messages = `kafka://127.0.0.1:${own.node.port}`;
      const run = "mill";
      const flour: string[] = [];
      const all = Promise.withResolvers<void>();
      await using _bakery = await chassis({
        name: "bakery",
        messages,
        bindings: channelsOf(run),
        serve: [
          on(Mill.flour, { group: "bakers", remembered: 0 }, ({ key, number }) => {
            flour.push(`${key}/${number}`);
            if (new Set(flour).size === count) all.resolve();
          }),
        ],
        signals: false,
      });
      await using mill = client(Mill, messages, {
        bindings: channelsOf(run),
        instance: "farm",
      });
      const sent = Array.from({ length: count }, (_, number) => ({
        key: `field-${number % keys}`,
        number,
      }));
      const outcomes = await mill.grain.many(sent);
      equal(outcomes.filter((each) => each instanceof Error).length, 0);
      for (const after of kills) await ground(await miller(messages, run), after);
      const last = await miller(messages, run);
      await all.promise;
      last.kill("SIGKILL");
      await once(last, "exit");
      deepEqual(flour.toSorted(), sent.map(({ key, number }) => `${key}/${number}`).toSorted());
      for (let key = 0; key < keys; key++) {
        const of = flour
          .filter((each) => each.startsWith(`field-${key}/`))
          .map((each) => Number(each.split("/")[1]));
        deepEqual(
          of,
          of.toSorted((a, b) => a - b),
          `field-${key} is out of order`,
        );
      }
    },
  );
});

async function miller(messages: string, run: string): Promise<ChildProcess> {
  const program = join(import.meta.dirname, "exactly-once/miller.ts");
  const child = fork(program, [messages, run], {
    execArgv: ["--conditions=@trunkline/source"],
    stdio: ["ignore", "ignore", "inherit", "ipc"],
  });
  await once(child, "message");
  return child;
}

/** Kills it when it has put out so many, or all there is. */
async function ground(child: ChildProcess, after: number): Promise<void> {
  const enough = Promise.withResolvers<void>();
  let left = after;
  child.on("message", () => {
    if (--left === 0) enough.resolve();
  });
  await enough.promise;
  child.kill("SIGKILL");
  await once(child, "exit");
}
