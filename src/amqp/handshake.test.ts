import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { connect as connectTls } from "node:tls";
import { sleep } from "../base/alarm.ts";
import { VirtualEnv } from "../base/virtual-env.ts";
import { testAuthority } from "../transport/tls/testing/authority.ts";
import { ByteWriter } from "../wire/amqp091/byte-writer.ts";
import { writeTable } from "../wire/amqp091/table.ts";
import { Heartbeat } from "./heartbeat.ts";
import { credentialsOf, userOf } from "./sasl.ts";
import { lab } from "./testing/lab.ts";
import { ableClient, WireClient } from "./testing/wire-client.ts";

const limits = { timeout: 60_000 };

test("who speaks another protocol is told ours, and cut off", limits, async () => {
  await using subject = await lab();
  for (const greeting of ["AMQP\0\x01\0\0", "GET / HTTP/1.1\r\n\r\n"]) {
    const socket = connect(subject.port, "127.0.0.1");
    await once(socket, "connect");
    socket.write(Buffer.from(greeting, "latin1"));
    const [answer] = (await once(socket, "data")) as [Buffer];
    assert.equal(answer.toString("latin1"), "AMQP\0\0\x09\x01");
    socket.resume();
    await once(socket, "close");
  }
});

test("a protocol header may come octet by octet", limits, async () => {
  await using subject = await lab();
  await using client = await WireClient.dial(subject.port);
  for (const octet of Buffer.from("AMQP\0\0\x09\x01", "latin1")) {
    client.raw(Buffer.of(octet));
    await new Promise((turn) => setImmediate(turn));
  }
  const { versionMajor, versionMinor, mechanisms, serverProperties } =
    await client.hear("connection.start");
  assert.deepEqual([versionMajor, versionMinor], [0, 9]);
  assert.equal(Buffer.from(mechanisms).toString(), "AMQPLAIN PLAIN");
  assert.equal(serverProperties["product"], "Trunkline");
});

test("a wrong password is refused, and told to who can read that", limits, async () => {
  await using subject = await lab();
  await using able = await WireClient.dial(subject.port);
  await able.login({ password: "wrong" });
  const { replyCode, replyText } = await able.hear("connection.close");
  assert.equal(replyCode, 403);
  assert.match(
    replyText,
    /^ACCESS_REFUSED - Login was refused using authentication mechanism PLAIN/,
  );
  await using plain = await WireClient.dial(subject.port);
  await plain.login({ password: "wrong", clientProperties: {} });
  assert.equal(await plain.next(), undefined);
});

test("what is tuned stays within what the server offers", limits, async () => {
  await using subject = await lab();
  const asked = [
    [{ frameMax: 4_095 }, /frame_max = 4095 is lower than the minimum allowed value \(4096\)/],
    [{ frameMax: 131_073 }, /frame_max = 131073 is higher than the maximum allowed value/],
    [{ channelMax: 2_048 }, /channel_max = 2048 is higher than the maximum allowed value/],
  ] as const;
  for (const [tuning, says] of asked) {
    await using client = await WireClient.dial(subject.port);
    await assert.rejects(client.greet(tuning), (error: Error) => {
      assert.match(error.message, /connection\.close.*"replyCode":530/);
      assert.match(error.message, says);
      return true;
    });
  }
  await using least = await WireClient.open(subject.port, { frameMax: 4_096, channelMax: 1 });
  await least.channel(1);
  least.say(2, "channel.open", { outOfBand: "" });
  assert.equal((await least.hear("connection.close")).replyCode, 530);
});

test("a virtual host that is not there cannot be entered", limits, async () => {
  await using subject = await lab();
  await using client = await WireClient.dial(subject.port);
  await assert.rejects(
    client.greet({ virtualHost: "/none" }),
    /NOT_ALLOWED - vhost \/none not found/,
  );
});

test("who takes longer for the handshake than is allowed is cut off", limits, async () => {
  await using subject = await lab({ handshakeMs: 20 });
  await using client = await WireClient.dial(subject.port);
  assert.equal(await client.next(), undefined);
});

test(
  "a client in a virtual host is counted, and refused where it is one too many",
  limits,
  async () => {
    await using subject = await lab();
    subject.node.access.quotas.setOfHost("/", { connections: 1 });
    await using first = await subject.client();
    await using second = await WireClient.dial(subject.port);
    await assert.rejects(second.greet(), /NOT_ALLOWED.*connection limit/);
    await first[Symbol.asyncDispose]();
    await using third = await WireClient.dial(subject.port);
    await third.greet();
  },
);

test("by a certificate a user comes in without a password", limits, async () => {
  const authority = testAuthority();
  const { cert, key } = authority.issue({ name: "broker", hosts: ["127.0.0.1"] });
  await using subject = await lab({
    listen: ["amqps://127.0.0.1:0"],
    tls: { cert, key, ca: authority.cert, clientCertificate: "required" },
  });
  const { access } = subject.node;
  await access.users.set("robot", {}, []);
  access.permit({ user: "robot", host: "/", configure: ".*", write: ".*", read: ".*" });
  for (const [name, welcome] of [
    ["robot", true],
    ["nobody", false],
  ] as const) {
    const socket = connectTls({
      port: subject.port,
      host: "127.0.0.1",
      ca: authority.cert,
      ...authority.issue({ name }),
    });
    await once(socket, "secureConnect");
    await using client = new WireClient(socket);
    const greeting = { mechanism: "EXTERNAL", response: Buffer.alloc(0) };
    if (welcome) await client.greet(greeting);
    else await assert.rejects(client.greet(greeting), /ACCESS_REFUSED/);
  }
});

test("it is served at a Unix socket", limits, async () => {
  const folder = await mkdtemp(join(tmpdir(), "amqp-"));
  try {
    await using subject = await lab({ listen: [`unix:${folder}/amqp.sock`, "amqp://127.0.0.1:0"] });
    assert.equal(subject.server.addresses[0], `unix:${folder}/amqp.sock`);
    const socket = connect(`${folder}/amqp.sock`);
    await once(socket, "connect");
    await using client = new WireClient(socket);
    await client.greet();
  } finally {
    await rm(folder, { recursive: true });
  }
});

test("options that make no sense are refused", limits, async () => {
  for (const options of [
    { listen: [] },
    { listen: ["tcp://127.0.0.1:0"] },
    { listen: ["amqp://0.0.0.0:0"] },
    { listen: ["amqp://127.0.0.1:0"], frameBytesMax: 100 },
    { listen: ["amqp://127.0.0.1:0"], channelsMax: 70_000 },
  ])
    await assert.rejects(lab(options), { code: "INVALID_ARGUMENT" });
  await using open = await lab({ listen: ["amqp://0.0.0.0:0"], insecure: true });
  await using client = await open.client();
  await client.quiet();
});

test("credentials are read as the mechanisms write them", () => {
  const said = (mechanism: string, response: Uint8Array): unknown =>
    credentialsOf(mechanism, response, undefined);
  assert.deepEqual(said("PLAIN", Buffer.from("\0ann\0p\xe4ss")), {
    user: "ann",
    password: "p\xe4ss",
  });
  assert.equal(said("PLAIN", Buffer.from("bob\0ann\0pass")), undefined);
  assert.equal(said("PLAIN", Buffer.from("ann")), undefined);
  const writer = new ByteWriter();
  writeTable(writer, { LOGIN: "ann", PASSWORD: "pass" });
  const table = writer.copied().subarray(4);
  assert.deepEqual(said("AMQPLAIN", table), { user: "ann", password: "pass" });
  assert.equal(said("EXTERNAL", Buffer.alloc(0)), undefined);
  const fingerprint256 = "";
  assert.equal(
    userOf({ subject: "O=Acme, CN=ann\\, b", subjectAltNames: [], fingerprint256 }),
    "ann, b",
  );
  assert.equal(
    userOf({ subject: "O=Acme", subjectAltNames: ["DNS:orders.internal"], fingerprint256 }),
    "orders.internal",
  );
});

test("a heartbeat is sent when nothing else was, and silence of twice the time is the end", async () => {
  const env = new VirtualEnv();
  const told: string[] = [];
  let active = true;
  let listening = true;
  const heartbeat = new Heartbeat(env, 10, {
    sent: () => active,
    beat: () => void told.push("beat"),
    get listening() {
      return listening;
    },
    silent: () => void told.push("silent"),
  });
  await sleep(env, 9_000);
  assert.equal(told.length, 0);
  active = false;
  await sleep(env, 6_000);
  assert.equal(told.join(), "beat,beat");
  heartbeat.heard();
  listening = false;
  await sleep(env, 60_000);
  assert.ok(!told.includes("silent"));
  listening = true;
  await sleep(env, 26_000);
  assert.deepEqual([told.at(-1), told.indexOf("silent")], ["silent", told.length - 1]);
  assert.equal(env.alarms, 0);
});

test("what a client says that it can do decides what it is told", limits, async () => {
  await using subject = await lab();
  await using able = await subject.client({ clientProperties: ableClient });
  await using plain = await subject.client({ clientProperties: {} });
  for (const client of [able, plain]) {
    await client.declare(1, `q-${client === able}`);
    await client.consume(1, `q-${client === able}`, { consumerTag: "c" });
  }
  subject.node.host("/").deleteQueue("q-true");
  subject.node.host("/").deleteQueue("q-false");
  assert.deepEqual(await able.hear("basic.cancel"), { consumerTag: "c", nowait: true });
  await plain.quiet();
});
