import { deepEqual, match, ok, rejects } from "node:assert/strict";
import { test, type TestContext } from "node:test";

import { channels, type BrokerEvent } from "../../base/diagnostics.ts";
import { isTrunklineError } from "../../base/error.ts";
import { realEnv } from "../../base/real-env.ts";
import { VirtualEnv } from "../../base/virtual-env.ts";
import { parseAddress } from "../../transport/address.ts";
import type { Datagrams, HearDatagram } from "../../transport/transport.ts";
import type { Broker, Outgoing } from "../broker.ts";
import { channel, type Channel } from "../channel.ts";
import { Hearing } from "../suite/stage.ts";
import { writeFrame } from "./frame.ts";
import { multicast } from "./index.ts";
import { MulticastBroker } from "./multicast-broker.ts";

const prices = channel({ name: "prices", shape: "topic", guarantee: "at-most-once" });

function saying(text: string, to: Channel = prices): Outgoing {
  return {
    channel: to,
    envelope: {
      ...{ id: text, type: "said", source: "/test", subject: undefined, time: 0 },
      ...{ contentType: "text/plain", attributes: {}, data: Buffer.from(text) },
    },
  };
}

/** A user of a group whose network is the test's. */
class Net {
  readonly env: VirtualEnv = new VirtualEnv();
  readonly sent: Buffer[] = [];
  readonly broker: Broker;
  #hear: HearDatagram = () => {};

  constructor() {
    const address = parseAddress("udp+multicast://239.1.2.3:7000");
    const peer = { address: address.text, sameHost: true };
    const sender = {
      ...{ peer, bytesMax: 1_472, waiting: 0, close: () => {} },
      send: async (datagram: Uint8Array) => void this.sent.push(Buffer.from(datagram)),
    };
    const receive: Datagrams["receive"] = async (_address, hear) => {
      this.#hear = hear;
      return { address, close: async () => {} };
    };
    const { capabilities } = multicast();
    const datagrams = { sender: async () => sender, receive };
    const terms = { address, datagrams, sender, capabilities, waitMs: 1_000, env: this.env };
    this.broker = new MulticastBroker(terms);
  }

  /** Something comes from a port of somebody. */
  comes(bytes: Buffer, port = 1): void {
    const memory = Buffer.concat([Buffer.from("before"), bytes, Buffer.from("behind")]);
    const peer = { address: `udp://127.0.0.1:${port}`, sameHost: true };
    this.#hear(memory, 6, 6 + bytes.length, peer);
    memory.fill(0); // it was lent
  }

  async consume(prefetch = 10_000): Promise<Hearing> {
    const hearing = new Hearing();
    const terms = { channel: prices, group: undefined, prefetch };
    hearing.consumer = await this.broker.consume(terms, hearing.take);
    return hearing;
  }
}

const other = Buffer.from("somebody");

function frame(number: number, text: string, name = "prices"): Buffer {
  return writeFrame(other, number, name, saying(text).envelope);
}

/** What is told of what was missed. */
function missed(t: TestContext): string[] {
  const told: string[] = [];
  const hear = (message: unknown): void => {
    const { state, reason } = message as BrokerEvent;
    if (state === "missed") told.push(reason!);
  };
  channels.broker.subscribe(hear);
  t.after(() => channels.broker.unsubscribe(hear));
  return told;
}

test("one that comes twice is heard once, as is one that is overtaken", async () => {
  const net = new Net();
  const hearing = await net.consume();
  for (const [number, text] of [
    [4_294_967_295, "a"],
    [4_294_967_295, "a"],
    [1, "c"],
    [0, "b"],
    [1, "c"],
    [0, "b"],
  ] as const)
    net.comes(frame(number, text));
  await hearing.until(3);
  deepEqual(hearing.texts, ["a", "c", "b"]);
});

test("another one who sends under the same name does not make what is sent look old", async () => {
  const net = new Net();
  const hearing = await net.consume();
  net.comes(frame(5, "a"));
  net.comes(frame(2_000_000, "forged"), 2);
  net.comes(frame(6, "b"));
  await hearing.until(3);
  deepEqual(hearing.texts, ["a", "forged", "b"]);
});

test("what is none, or of a channel that nobody consumes, is heard by nobody", async (t) => {
  const told = missed(t);
  const net = new Net();
  const hearing = await net.consume();
  const whole = frame(1, "whole");
  for (let length = 0; length < whole.length - 5; length++) net.comes(whole.subarray(0, length));
  for (const [at, byte] of [
    [0, 0],
    [3, 2],
    [16, 255],
    [23, 255],
    [24, 255],
    [30, 0],
  ] as const) {
    const broken = Buffer.from(whole);
    broken[at] = byte;
    net.comes(broken);
  }
  net.comes(frame(7, "elsewhere", "costs"));
  net.comes(frame(8, "heard"));
  await hearing.until(1);
  deepEqual(hearing.texts, ["heard"]);
  match(told[0]!, /^so far 0 have not come, 0 came while too many waited, 1 were none$/);
});

test("what there is no room for is gone, and that is told once a second at most", async (t) => {
  const told = missed(t);
  const net = new Net();
  const hearing = await net.consume(1);
  net.comes(frame(0, "0"));
  const [first] = await hearing.until(1);
  for (let number = 1; number < 1_100; number++) net.comes(frame(number, String(number)));
  for (const number of [1_102, 1_103]) {
    net.env.stall(1_000);
    net.comes(frame(number, "after two that never came"));
    net.comes(Buffer.from("none"));
  }
  deepEqual(told, [
    "so far 2 have not come, 76 came while too many waited, 0 were none",
    "so far 2 have not come, 77 came while too many waited, 1 were none",
  ]);
  await first!.ack();
  await hearing.until(2);
  deepEqual(hearing.texts, ["0", "1"]);
});

test("what is too large is refused before it has a number, and the advice says how to send more", async () => {
  const net = new Net();
  const outcomes = await net.broker.publish([
    saying("x".repeat(1_472)),
    saying("fits"),
    { ...saying("y"), envelope: { ...saying("y").envelope, source: "z".repeat(70_000) } },
    saying("fits too"),
  ]);
  for (const index of [0, 2]) {
    const error = outcomes[index];
    ok(isTrunklineError(error));
    deepEqual([error.code, error.executed], ["INVALID_ARGUMENT", "no"]);
    match(error.advice!, /fragments/);
  }
  deepEqual(
    net.sent.map((datagram) => datagram.readUInt32BE(12)),
    [0, 1],
  );
});

test("what asks for more than that it may be heard is refused when it is declared, with advice", async () => {
  const { broker } = new Net();
  for (const more of [
    { shape: "queue" as const },
    { guarantee: "at-least-once" as const },
    { ordered: true },
    { enqueued: "stored" as const },
    { groups: ["red"] },
    { mandatory: true },
    { retentionMs: 1_000 },
    { compacted: true },
    { priorityMax: 1 },
  ])
    await rejects(broker.declare([channel({ ...prices, ...more })]), {
      code: "UNIMPLEMENTED",
      executed: "no",
      advice: /file:/,
    });
});

test("an address that is no group, or leads beyond the host without leave, is refused when it is opened", async () => {
  for (const [address, why] of [
    ["udp+multicast://10.0.0.1:7000", /no group/],
    ["udp+multicast://239.1.2.3:0", /port 0/],
    ["udp+multicast://239.1.2.3:7000?ttl=1", /other hosts/],
    ["udp+multicast://239.1.2.3:7000?interface=0.0.0.0", /other hosts/],
  ] as const)
    await rejects(multicast().open(address, { name: "t" }, realEnv()), {
      code: "INVALID_ARGUMENT",
      executed: "no",
      message: why,
    });
});
