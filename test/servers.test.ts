import { deepEqual, equal, match, rejects } from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { nginx, nginxWith } from "../scripts/servers/nginx.ts";
import { start, stateOf, stop } from "../scripts/servers/server.ts";
import { freePort, missing } from "../scripts/servers/for-tests.ts";

const root = join(import.meta.dirname, "..");

test(
  "a server starts, answers, and is gone when it is stopped",
  { skip: missing(nginx) ?? false },
  async () => {
    const folder = mkdtempSync(join(tmpdir(), "trunkline-servers-"));
    const port = await freePort();
    const server = nginxWith(
      "nginx",
      port,
      `server { listen 127.0.0.1:${port}; location = /healthz { return 200 ok; } }`,
    );
    try {
      await start(server, folder);
      await start(server, folder); // runs already
      equal(await (await fetch(`http://127.0.0.1:${port}/healthz`)).text(), "ok");
      equal(stateOf(server, folder).running, true);
      await stop(folder);
      await rejects(fetch(`http://127.0.0.1:${port}/healthz`));
      equal(stateOf(server, folder).running, false);
      await stop(folder); // is gone already
    } finally {
      await stop(folder);
      rmSync(folder, { recursive: true });
    }
  },
);

test("a server that cannot start says why", { skip: missing(nginx) ?? false }, async () => {
  const folder = mkdtempSync(join(tmpdir(), "trunkline-servers-"));
  try {
    const wrong = nginxWith("nginx", await freePort(), "servers {}");
    await rejects(start(wrong, folder), /nginx ended at once:[^]*unknown directive "servers"/);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("npm run servers tells what there is", () => {
  const run = (...words: string[]) =>
    spawnSync(
      process.execPath,
      [...process.execArgv, join(root, "scripts/servers/main.ts"), ...words],
      {
        encoding: "utf8",
      },
    );
  const { status, stdout } = run("status", "--json");
  equal(status, 0);
  const states = stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as { readonly name: string });
  deepEqual(
    states.map(({ name }) => name),
    [
      "consul",
      "dnsmasq",
      "envoy",
      "etcd",
      "kafka",
      "mariadb",
      "nats",
      "nginx",
      "postgres",
      "rabbitmq",
    ],
  );
  const wrong = run("begin");
  equal(wrong.status, 2);
  match(wrong.stderr, /install\|start\|stop\|status \[NAME…\]/);
});
