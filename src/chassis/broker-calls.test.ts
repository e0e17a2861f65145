import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, suite, test } from "node:test";
import * as z from "zod";
import { serve } from "../call/serve.ts";
import { call, command, contract, stream } from "../contract/index.ts";
import { broker } from "./broker/index.ts";
import { brokerPlace } from "./broker-calls.ts";
import { realEnv } from "../base/real-env.ts";
import { chassis } from "./chassis.ts";
import { client, stateOf } from "./client.ts";

const Shop = contract(
  "shop",
  { version: "1.0.0" },
  {
    buy: call({ in: z.string(), out: z.string(), idempotent: true }),
    ship: command({ in: z.string(), out: z.string() }),
  },
);
const handlers = {
  buy: (item: string) => `bought ${item}`,
  ship: (item: string) => `shipped ${item}`,
};

suite("at the address of a broker", () => {
  const folder = mkdtempSync(join(tmpdir(), "trunkline-"));
  after(() => rmSync(folder, { recursive: true }));
  let brokers = 0;
  const start = async (): Promise<AsyncDisposable & { readonly address: string }> => {
    const listen = `unix:${folder}/${++brokers}.sock`;
    const running = broker();
    const app = await chassis({ name: "broker", listen, serve: running.services, signals: false });
    return {
      address: `broker+${listen}`,
      [Symbol.asyncDispose]: async () => {
        await running.close();
        await app.stop();
      },
    };
  };

  test("a process listens and a client calls there, and messages go there without another word", async () => {
    await using running = await start();
    await using shop = client(Shop, running.address);
    const early = shop.buy("tea");
    await using app = await chassis({
      name: "shop",
      listen: running.address,
      messages: running.address,
      serve: [serve(Shop, handlers)],
      signals: false,
    });
    assert.deepEqual(app.addresses, [running.address]);
    assert.equal(await early, "bought tea");
    assert.equal(await (await shop.ship("tea")).reply(), "shipped tea");
    assert.deepEqual(
      stateOf(shop).endpoints.map(({ address }) => address),
      [running.address],
    );
    assert.deepEqual(
      app.stats().operations.map(({ operation, count }) => [operation, count]),
      [
        ["shop.buy", 1],
        ["shop.ship", 1],
      ],
    );
  });

  test("streams are refused at the start, on both sides, by name", async () => {
    await using running = await start();
    const Feed = contract("feed", { version: "1.0.0" }, { read: stream({ out: z.string() }) });
    await assert.rejects(
      chassis({
        name: "feed",
        listen: running.address,
        serve: [serve(Feed, { read: () => [] })],
        signals: false,
      }),
      /stream feed\.read cannot be served over broker\+unix:.* \(broker has no streams\)/,
    );
    assert.throws(() => client(Feed, running.address), /stream feed\.read cannot be served/);
  });

  test("credentials stand in nothing that people read", () => {
    const { address } = brokerPlace("amqp://it:hunter2@host/vhost", realEnv());
    assert.ok(!address.text.includes("hunter2"));
    assert.match(address.text, /^amqp:\/\/.*host/);
    const shop = client(Shop, "amqp://it:hunter2@127.0.0.1:1");
    assert.ok(!JSON.stringify(stateOf(shop)).includes("hunter2"));
  });
});
