// Services that register themselves in a real registry and a client that finds them there, while the registry is killed, frozen
// and wiped: no call may fail for it.
import { deepEqual, equal, match, ok, rejects } from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { suite, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { call, chassis, client, contract, serve, type Chassis } from "trunkline";
import { etcd } from "trunkline/discovery/etcd";
import { testAuthority } from "trunkline/testing";
import * as z from "zod";
import { consulAt } from "../scripts/servers/consul.ts";
import { etcdAt } from "../scripts/servers/etcd.ts";
import { freePort, missing } from "../scripts/servers/for-tests.ts";
import { running, type Running } from "../scripts/servers/running.ts";

const Orders = contract(
  "orders",
  { version: "1.0.0" },
  { who: call({ in: z.null(), out: z.string(), idempotent: true }) },
);

interface Registry {
  readonly name: string;
  readonly skip: string | false;
  start(): Promise<Running>;
}

const registries: readonly Registry[] = [
  {
    name: "etcd",
    skip: missing(etcdAt("etcd", 0, 0)) ?? false,
    start: async () => running(etcdAt("etcd", await freePort(), await freePort())),
  },
  {
    name: "consul",
    skip: missing(consulAt("consul", 0, { rpc: 0, serf: 0 })) ?? false,
    async start() {
      const ports = { rpc: await freePort(), serf: await freePort() };
      return running(consulAt("consul", await freePort(), ports));
    },
  },
];

function orders(id: string, discovery: string | ReturnType<typeof etcd>): Promise<Chassis> {
  return chassis({
    name: "orders",
    listen: ["tcp://127.0.0.1:0"],
    serve: [serve(Orders, { who: async () => id })],
    register: { discovery, id, ttl: "2s", required: true },
  });
}

for (const { name, skip, start } of registries) {
  test(
    `${name} is killed, frozen and wiped while calls go by service:orders: none fails, and who comes later is found`,
    { skip, timeout: 120_000 },
    async () => {
      await using server = await start();
      const discovery = `${name}://${server.address}`;
      await using one = await orders("one", discovery);
      await using two = await orders("two", discovery);
      await using found = client(Orders, "service:orders", { discovery });
      const answers = new Map<string, number>();
      const failures: unknown[] = [];
      let over = false;
      const calling = (async () => {
        while (!over) {
          try {
            const who = await found.who(null);
            answers.set(who, (answers.get(who) ?? 0) + 1);
          } catch (error) {
            failures.push(error);
          }
          await pause(2);
        }
      })();
      const answered = async (...ids: string[]): Promise<void> => {
        answers.clear();
        while (!ids.every((id) => answers.has(id))) await pause(5);
      };
      await answered("one", "two");
      await server.kill();
      await pause(2_500); // longer than the leases
      await answered("one", "two");
      await server.restart();
      server.freeze();
      await pause(2_500);
      await answered("one", "two");
      server.thaw();
      await server.wipe();
      await answered("one", "two");
      await using three = await orders("three", discovery);
      await answered("one", "two", "three");
      await one.stop();
      await answered("two", "three");
      over = true;
      await calling;
      deepEqual(failures.map(String), []);
      ok(two.addresses.length + three.addresses.length > 0);
    },
  );
}

suite("etcd over TLS", { skip: registries[0]!.skip, timeout: 60_000 }, () => {
  test("is spoken to with certificates on both sides; a client without one, or with another authority, is told so", async () => {
    const folder = mkdtempSync(join(tmpdir(), "trunkline-etcd-tls-"));
    const authority = testAuthority();
    const own = authority.issue({ name: "etcd", hosts: ["127.0.0.1"] });
    const files = { ca: authority.cert, cert: own.cert, key: own.key };
    for (const [file, pem] of Object.entries(files)) writeFileSync(join(folder, file), pem);
    const paths = { ca: join(folder, "ca"), cert: join(folder, "cert"), key: join(folder, "key") };
    const tls = { ...paths, healthPort: await freePort() };
    try {
      await using server = await running(etcdAt("etcd", await freePort(), await freePort(), tls));
      const urls = [`https://${server.address}`];
      const us = authority.issue({ name: "orders", hosts: ["orders"] });
      await using discovery = etcd({ urls, tls: { ca: authority.cert, ...us } });
      await using app = await orders("one", discovery);
      await using found = client(Orders, "service:orders", { discovery });
      equal(await found.who(null), "one");
      ok(app.addresses.length > 0);
      for (const [wrong, words] of [
        [{ ca: authority.cert }, /etcd: https:.* does not answer/],
        [
          { ca: testAuthority().cert, ...us },
          /etcd: https:.* does not answer: .*(certificate|signature)/,
        ],
        [us, /etcd: https:.* does not answer: .*certificate/],
      ] as const) {
        await using stranger = etcd({ urls, tls: wrong });
        await rejects(orders("two", stranger), (error: Error) => {
          match(error.message, words);
          return true;
        });
      }
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
