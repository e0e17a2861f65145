import { deepEqual, equal, match, ok, rejects } from "node:assert/strict";
import { after, before, suite, test } from "node:test";
import { inspect } from "node:util";
import { missing } from "../../../scripts/servers/for-tests.ts";
import {
  kafkaUsers,
  ownKafka,
  kafka as server,
  type OwnKafka,
} from "../../../scripts/servers/kafka.ts";
import { isTrunklineError } from "../../base/error.ts";
import { testAuthority } from "../../transport/tls/testing/authority.ts";
import type { Outgoing } from "../broker.ts";
import { channel, type Channel } from "../channel.ts";
import { kafka } from "./index.ts";
import { env, envelope } from "./testing/heard.ts";

const timeout = 60_000;

suite("who may speak to Kafka, and about what", { skip: missing(server) ?? false }, () => {
  let own: OwnKafka;
  let names = 0;
  const authority = testAuthority();
  const named = (terms: Partial<Channel> = {}): Channel =>
    channel({ shape: "queue", shards: 1, ...terms, name: `own.${++names}` });
  const say = (to: Channel, texts: readonly string[]): Outgoing[] =>
    texts.map((text) => ({ channel: to, envelope: envelope(text) }));

  before(async () => {
    const tls = authority.issue({ name: "localhost", hosts: ["127.0.0.1", "localhost"] });
    own = await ownKafka({ tls });
  });
  after(() => own[Symbol.asyncDispose]());

  test("credentials are asked for by SCRAM and by PLAIN, and never told", { timeout }, async () => {
    const at = (user: string, mechanism: string): string =>
      `kafka://${user}@127.0.0.1:${own.node.saslPort}?mechanism=${mechanism}`;
    const { scram, plain } = kafkaUsers;
    for (const address of [
      at(`${scram.name}:${scram.password}`, "scram-sha-256"),
      at(`${plain.name}:${plain.password}`, "plain"),
    ]) {
      await using broker = await kafka().open(address, { name: "test" }, env);
      equal(broker.address, `kafka://127.0.0.1:${own.node.saslPort}`);
      const queue = named();
      await broker.declare([queue]);
      const [outcome] = await broker.publish(say(queue, ["in"]));
      ok(!isTrunklineError(outcome));
    }
    for (const mechanism of ["scram-sha-256", "plain"])
      await rejects(
        kafka().open(at("alice:geheim", mechanism), { name: "test" }, env),
        (error: unknown) => {
          ok(isTrunklineError(error));
          deepEqual([error.code, error.executed], ["UNAUTHENTICATED", "no"]);
          ok(!JSON.stringify(error).includes("geheim") && !String(error).includes("geheim"));
          return true;
        },
      );
  });

  test(
    "TLS is spoken with whom the authority vouches for, and with nobody else",
    { timeout },
    async () => {
      const address = `kafkas://127.0.0.1:${own.node.tlsPort}`;
      await using broker = await kafka({ tls: { ca: authority.cert } }).open(
        address,
        { name: "test" },
        env,
      );
      const queue = named();
      await broker.declare([queue]);
      const [outcome] = await broker.publish(say(queue, ["in"]));
      ok(!isTrunklineError(outcome), inspect(outcome));
      await rejects(kafka().open(address, { name: "test", waitMs: 500 }, env), (error: unknown) => {
        ok(isTrunklineError(error));
        equal(error.executed, "no");
        match(error.message, /certificate/);
        return true;
      });
    },
  );

  test("what Kafka cannot do is refused by name", { timeout }, async () => {
    await using broker = await kafka().open(
      `kafka://127.0.0.1:${own.node.port}`,
      { name: "test" },
      env,
    );
    for (const [terms, why] of [
      [{ native: { kafka: { groupType: "share" } } }, /share groups/],
      [{ lengthMax: 10 }, /by time and bytes/],
      [{ priorityMax: 3 }, /no priorities/],
      [{ shape: "topic", mandatory: true }, /whether a group listens/],
      [{ enqueued: "replicated" }, /nothing is replicated/],
    ] as const)
      await rejects(broker.declare([named(terms)]), (error: unknown) => {
        ok(isTrunklineError(error));
        deepEqual([error.code, error.executed], ["UNIMPLEMENTED", "no"]);
        match(error.message, why);
        return true;
      });
  });

  test("where nobody answers that is said in time", { timeout }, async () => {
    await rejects(
      kafka().open("kafka://u:geheim@127.0.0.1:9", { name: "test", waitMs: 300 }, env),
      (error: unknown) => {
        ok(isTrunklineError(error));
        deepEqual([error.code, error.executed], ["UNAVAILABLE", "no"]);
        ok(!String(error).includes("geheim"));
        return true;
      },
    );
  });
});
