import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { suite, test } from "node:test";
import { rootCertificates } from "node:tls";
import { promisify } from "node:util";

import { rabbitmqAdmin } from "../../../scripts/servers/rabbitmq.ts";
import { rabbitmqAdmin4 } from "../../../scripts/servers/rabbitmq4.ts";
import { managed, type Managed } from "./testing/managed.ts";

const run = promisify(execFile);

/** A command with its words, and what it must print. */
type Step = readonly [words: readonly string[], prints: RegExp];

function there(command: readonly string[]): string | false {
  return existsSync(command[0]!) ? false : `there is no ${command[0]}`;
}

async function drive(
  command: readonly string[],
  options: readonly string[],
  steps: readonly Step[],
  folder: string,
): Promise<void> {
  const [program, ...first] = command;
  // The newer one does not start where the system has no certificates, though it needs none here.
  const certificates = join(folder, "roots.pem");
  await writeFile(certificates, rootCertificates.join("\n"));
  const env = { ...process.env, SSL_CERT_FILE: certificates };
  for (const [words, prints] of steps) {
    const { stdout } = await run(program!, [...first, ...options, ...words], { env }).catch(
      (error: Error & { stdout: string; stderr: string }) =>
        assert.fail(`${words.join(" ")}: ${error.stdout}${error.stderr}`),
    );
    assert.match(stdout, prints, words.join(" "));
  }
}

/** Nothing is left of what was made. */
function assertClean({ node }: Managed): void {
  assert.deepEqual([...node.hosts.keys()], ["/"]);
  assert.deepEqual([...node.host("/").queues()], []);
  assert.deepEqual([...node.host("/").topology.bindings()], []);
  assert.deepEqual(
    [...node.access.users].map(({ name }) => name),
    ["guest"],
  );
  assert.deepEqual([...node.policies.all(false), ...node.policies.all(true)], []);
}

suite("the rabbitmqadmin of RabbitMQ 3", { skip: there(rabbitmqAdmin) }, () => {
  test(
    "makes, lists, publishes, gets, exports, imports and removes",
    { timeout: 120_000 },
    async () => {
      await using broker = await managed();
      const folder = await mkdtemp(join(tmpdir(), "trunkline-admin-"));
      const file = join(folder, "definitions.json");
      const options = ["-H", "127.0.0.1", "-P", `${broker.port}`, "-u", "guest", "-p", "guest"];
      await drive(
        rabbitmqAdmin,
        options,
        [
          [["declare", "vhost", "name=v"], /vhost declared/],
          [["declare", "user", "name=ann", "password=p", "tags=monitoring"], /user declared/],
          [
            ["declare", "permission", "vhost=v", "user=ann", "configure=", "write=.*", "read=^q"],
            /permission declared/,
          ],
          [["declare", "exchange", "name=e", "type=topic"], /exchange declared/],
          [["declare", "queue", "name=q", 'arguments={"x-max-length":5}'], /queue declared/],
          [
            ["declare", "binding", "source=e", "destination=q", "routing_key=a.#"],
            /binding declared/,
          ],
          [
            ["declare", "policy", "name=p", "pattern=^q", 'definition={"expires":60000}'],
            /policy declared/,
          ],
          [
            ["declare", "operator_policy", "name=o", "pattern=^q", 'definition={"max-length":3}'],
            /operator_policy declared/,
          ],
          [
            ["declare", "vhost_limit", "vhost=v", "name=max-queues", "value=3"],
            /vhost_limit declared/,
          ],
          [["publish", "exchange=e", "routing_key=a.b", "payload=hello"], /Message published/],
          [["publish", "routing_key=none", "payload=hello"], /NOT routed/],
          [["get", "queue=q", "count=2"], /\| a\.b +\| e +\| 0 +\| hello /],
          [["list", "queues", "name", "messages", "policy"], /\| q +\| 1 +\| p +\|/],
          [["list", "exchanges"], /\| e +\| topic +\|/],
          [["list", "bindings"], /\| e +\| q +\| a\.# +\|/],
          [["list", "vhosts"], /\| v +\| 0 +\|/],
          [["list", "users"], /\| ann +\|/],
          [["list", "permissions"], /\^q/],
          [["list", "policies"], /\^q/],
          [["list", "nodes"], /trunkline@localhost/],
          [["list", "connections"], /No items/],
          [["list", "channels"], /No items/],
          [["list", "consumers"], /No items/],
          [["show", "overview"], /\| 3\.13\.7 +\|/],
          [["export", file], /Exported definitions/],
          [["purge", "queue", "name=q"], /queue purged/],
          [
            [
              ...["delete", "binding", "source=e", "destination=q", "destination_type=queue"],
              "properties_key=a.%23",
            ],
            /binding deleted/,
          ],
          [["import", file], /Uploaded definitions/],
          [["list", "bindings"], /\| e +\| q +\| a\.# +\|/],
          [["delete", "queue", "name=q"], /queue deleted/],
          [["delete", "exchange", "name=e"], /exchange deleted/],
          [["delete", "policy", "name=p"], /policy deleted/],
          [["delete", "operator_policy", "name=o"], /operator_policy deleted/],
          [["delete", "user", "name=ann"], /user deleted/],
          [["delete", "vhost", "name=v"], /vhost deleted/],
        ],
        folder,
      );
      assert.match(await readFile(file, "utf8"), /"product_name":"Trunkline"/);
      await rm(folder, { recursive: true });
      assertClean(broker);
    },
  );
});

suite("the rabbitmqadmin of RabbitMQ 4", { skip: there(rabbitmqAdmin4) }, () => {
  test("makes, lists, publishes, gets, exports and removes", { timeout: 120_000 }, async () => {
    await using broker = await managed();
    const folder = await mkdtemp(join(tmpdir(), "trunkline-admin-"));
    const user = ["--username", "guest", "--password", "guest"];
    const options = ["-H", "127.0.0.1", "-P", `${broker.port}`, ...user];
    const policy = ["--name", "p", "--pattern", "^q", "--definition", '{"max-length":5}'];
    const binding = ["--source", "e", "--destination", "q", "--routing-key", "a.#"];
    const nothing = /^$/;
    await drive(
      rabbitmqAdmin4,
      options,
      [
        [["declare", "vhost", "--name", "v"], nothing],
        [["declare", "user", "--name", "ann", "--password", "p", "--tags", "monitoring"], nothing],
        [
          [
            ...["declare", "permissions", "--user", "ann", "--configure", ".*", "--read", ".*"],
            ...["--write", ".*"],
          ],
          nothing,
        ],
        [["declare", "exchange", "--name", "e", "--type", "topic"], nothing],
        [["declare", "queue", "--name", "q", "--type", "quorum"], nothing],
        [["declare", "stream", "--name", "s", "--expiration", "8h"], nothing],
        [["declare", "binding", ...binding, "--destination-type", "queue"], nothing],
        [["declare", "policy", ...policy, "--apply-to", "queues", "--priority", "1"], nothing],
        [["declare", "vhost_limit", "--name", "max-queues", "--value", "4"], nothing],
        [
          ["declare", "user_limit", "--user", "ann", "--name", "max-channels", "--value", "4"],
          nothing,
        ],
        [["publish", "message", "--routing-key", "q", "--payload", "hello"], /routed successfully/],
        [["get", "messages", "--queue", "q"], /hello/],
        [["list", "queues"], /quorum/],
        [["list", "exchanges"], /topic/],
        [["list", "bindings"], /a\.#/],
        [["list", "vhosts"], /│ v /],
        [["list", "users"], /monitoring/],
        [["list", "permissions"], /│ ann /],
        [["list", "policies"], /max-length: 5/],
        [["list", "nodes"], /trunkline@localhost/],
        [["list", "connections"], /client_port/],
        [["list", "channels"], /prefetch_count/],
        [["list", "consumers"], /consumer_tag/],
        [["list", "vhost_limits"], /max-queues: 4/],
        [["list", "user_limits"], /max-channels: 4/],
        [["show", "overview"], /Trunkline/],
        [["health_check", "local_alarms"], /passed/],
        [["health_check", "protocol_listener", "--protocol", "amqp"], /passed/],
        [["definitions", "export"], /"x-queue-type":"stream"/],
        [["purge", "queue", "--name", "q"], nothing],
        [["delete", "binding", ...binding, "--destination-type", "queue"], nothing],
        [["delete", "queue", "--name", "q"], nothing],
        [["delete", "stream", "--name", "s"], nothing],
        [["delete", "exchange", "--name", "e"], nothing],
        [["delete", "policy", "--name", "p"], nothing],
        [["delete", "vhost", "--name", "v"], nothing],
        [["delete", "user", "--name", "ann"], nothing],
      ],
      folder,
    );
    await rm(folder, { recursive: true });
    assertClean(broker);
  });
});
