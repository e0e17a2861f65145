// No Docker can be had where these tests run: a small server on a Unix socket plays its Engine API, in the shapes that its
// documentation (v1.41) shows. It is not Docker.
import { deepEqual, equal, match } from "node:assert/strict";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type ServerResponse } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { suite, test } from "node:test";

import { realEnv } from "../base/real-env.ts";
import { docker, type DockerOptions } from "./index.ts";
import type { Target } from "./target.ts";

interface Played {
  readonly id: string;
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly startedAt: string;
  readonly ip?: string;
  readonly published?: { readonly port: string; readonly at: string };
  readonly running?: boolean;
}

class PlayedDocker implements AsyncDisposable {
  readonly folder: string = mkdtempSync(join(tmpdir(), "trunkline-docker-"));
  readonly socket: string = join(this.folder, "docker.sock");
  containers: readonly Played[] = [];
  broken = false;
  readonly #events: Set<ServerResponse> = new Set();
  readonly #server = createServer(({ url = "" }, response) => {
    const { pathname, searchParams } = new URL(url, "http://x");
    const json = (body: unknown, status = 200): void =>
      void response.writeHead(status).end(JSON.stringify(body));
    if (this.broken) return json({ message: "broken" }, 500);
    if (pathname === "/v1.41/events") {
      response.writeHead(200).flushHeaders();
      this.#events.add(response);
      response.on("close", () => this.#events.delete(response));
      return;
    }
    if (pathname === "/v1.41/containers/json") {
      const { label } = JSON.parse(searchParams.get("filters")!) as { label: string[] };
      const found = this.containers.filter(({ labels }) => label.every((each) => each in labels));
      return json(found.map(({ id, name }) => ({ Id: id, Names: [`/${name}`] })));
    }
    const id = /^\/v1\.41\/containers\/(\w+)\/json$/.exec(pathname)?.[1];
    const found = this.containers.find((each) => each.id === id);
    return found === undefined
      ? json({ message: "No such container" }, 404)
      : json(inspected(found));
  });

  async listen(): Promise<void> {
    this.#server.listen(this.socket);
    await once(this.#server, "listening");
  }

  get followed(): boolean {
    return this.#events.size > 0;
  }

  change(containers: readonly Played[]): void {
    this.containers = containers;
    for (const each of this.#events) each.write(`{"Type":"container","Action":"start"}\n`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, "close");
    rmSync(this.folder, { recursive: true });
  }
}

function inspected({
  id,
  name,
  labels,
  startedAt,
  ip = "",
  published,
  running = true,
}: Played): unknown {
  const ports =
    published === undefined
      ? {}
      : { [`${published.port}/tcp`]: [{ HostIp: "0.0.0.0", HostPort: published.at }] };
  return {
    Id: id,
    Name: `/${name}`,
    State: { Running: running, StartedAt: startedAt },
    Config: { Labels: labels },
    NetworkSettings: { Networks: { bridge: { IPAddress: ip } }, Ports: ports },
  };
}

const one: Played = {
  id: "0123456789abcdef",
  name: "orders-1",
  labels: { "trunkline.contracts": "orders@1, invoices@2", "trunkline.port": "7400" },
  startedAt: "2026-01-01T00:00:00Z",
  ip: "172.17.0.2",
  published: { port: "7400", at: "32768" },
};

class Told {
  readonly problems: string[] = [];
  targets: readonly Target[] | undefined;
  #wake: (() => void)[] = [];
  readonly #source;

  constructor(played: PlayedDocker, options: DockerOptions = {}) {
    this.#source = docker({ socket: played.socket, ...options });
    const wake = (): void => {
      for (const each of this.#wake.splice(0)) each();
    };
    this.#source.follow(
      (targets) => ((this.targets = targets), wake()),
      (reason) => (this.problems.push(reason), wake()),
      realEnv(),
    );
  }

  async until(holds: () => boolean): Promise<void> {
    while (!holds()) await new Promise<void>((resolve) => this.#wake.push(resolve));
  }

  close(): Promise<void> {
    return this.#source.close();
  }
}

suite("with a played Docker", { timeout: 30_000 }, () => {
  test("containers with the labels are targets, at their own address or at the published port", async () => {
    await using played = new PlayedDocker();
    await played.listen();
    const blue = {
      ...one.labels,
      "trunkline.scheme": "grpc",
      "trunkline.lane": "blue",
      "trunkline.check": "tcp",
    };
    const other = {
      ...one,
      id: "fedcba9876543210",
      name: "orders-2",
      labels: blue,
      ip: "172.17.0.3",
    };
    const stopped = { ...one, id: "0", name: "stopped", running: false };
    const stranger = { ...one, id: "1", name: "stranger", labels: {} };
    played.containers = [one, other, stopped, stranger];
    const told = new Told(played);
    await told.until(() => told.targets !== undefined);
    deepEqual(told.targets, [
      {
        id: "orders-1",
        bootId: "0123456789ab-2026-01-01T00:00:00Z",
        contracts: ["orders@1", "invoices@2"],
        addresses: ["tcp://172.17.0.2:7400"],
        check: "contract",
      },
      {
        id: "orders-2",
        bootId: "fedcba987654-2026-01-01T00:00:00Z",
        contracts: ["orders@1", "invoices@2"],
        addresses: ["grpc://172.17.0.3:7400"],
        check: "tcp",
        lane: "blue",
      },
    ]);
    await told.close();
    const published = new Told(played, { reach: "published" });
    await published.until(() => published.targets !== undefined);
    equal(published.targets![0]!.addresses[0], "tcp://127.0.0.1:32768");
    await published.close();
  });

  test("an event is answered by a look at everything: a container that is restarted is another life", async () => {
    await using played = new PlayedDocker();
    await played.listen();
    played.containers = [one];
    const told = new Told(played, { resyncMs: 3_600_000 });
    await told.until(() => told.targets?.length === 1);
    played.change([{ ...one, startedAt: "2026-01-02T00:00:00Z" }]);
    await told.until(() => told.targets![0]!.bootId.endsWith("2026-01-02T00:00:00Z"));
    played.change([]);
    await told.until(() => told.targets!.length === 0);
    await told.close();
  });

  test("a Docker that does not answer is a problem, told once, and what it said before stays", async () => {
    await using played = new PlayedDocker();
    await played.listen();
    played.containers = [one];
    const told = new Told(played, { resyncMs: 50 });
    await told.until(() => told.targets?.length === 1);
    played.broken = true;
    await told.until(() => told.problems.length > 0);
    match(told.problems[0]!, /^docker does not answer: status 500/);
    equal(told.targets!.length, 1);
    played.broken = false;
    played.containers = [];
    await told.until(() => told.targets!.length === 0);
    equal(told.problems.length, 1);
    await told.close();
  });
});

test("where no Docker is, that is said", { timeout: 30_000 }, async () => {
  const source = docker({ socket: "/no/such/docker.sock" });
  const { promise, resolve } = Promise.withResolvers<string>();
  source.follow(() => {}, resolve, realEnv());
  match(await promise, /docker does not answer: connect ENOENT \/no\/such\/docker\.sock/);
  await source.close();
});
