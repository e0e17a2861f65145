import { deepEqual, equal, match, ok } from "node:assert/strict";
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { test } from "node:test";

import type { Peer } from "../../base/peer.ts";
import type { RefusalEvent } from "../../base/diagnostics.ts";
import { between, seededRandom } from "../../base/random.ts";
import { VirtualEnv } from "../../base/virtual-env.ts";
import { parseAddress } from "../../transport/address.ts";
import { connectionless } from "../../transport/connectionless.ts";
import type { HearDatagram, Transport } from "../../transport/transport.ts";
import { udp } from "../../transport/udp/index.ts";
import type { Caller, ServeOptions, Server } from "../protocol.ts";
import { declare } from "../suite/declare.ts";
import { Services } from "../suite/services.ts";
import { Attempt } from "../attempt.ts";
import { beginTrace } from "../../base/trace.ts";
import { datagram } from "./index.ts";

const address = parseAddress("udp://127.0.0.1:7000");
const peer = { address: "udp://127.0.0.1:1", sameHost: true };
const { note } = declare("suite", 1, { note: { kind: "notification" } });

interface Scene {
  readonly env: VirtualEnv;
  readonly services: Services;
  readonly server: Server;
  readonly caller: Caller;
  /** What the caller has sent. */
  readonly sent: Buffer[];
  receive(bytes: Uint8Array, from?: Peer): void;
  attempt(deadlineMs?: number): Attempt;
}

/** A server and a caller whose datagrams are ours to carry. */
async function scene(options: ServeOptions = {}): Promise<Scene> {
  const env = new VirtualEnv(1, { id: "host", offsetMs: 2 ** 40 });
  const sent: Buffer[] = [];
  let heard: HearDatagram = () => {};
  const transport: Transport = {
    ...udp(),
    ...connectionless,
    datagrams: {
      sender: async () => ({
        peer,
        bytesMax: 65_507,
        waiting: 0,
        send: async (bytes) => void sent.push(Buffer.from(bytes)),
        close: () => {},
      }),
      receive: async (_address, hear) => {
        heard = hear;
        return { address, close: async () => {} };
      },
    },
  };
  const services = new Services();
  services.answer(note, () => {});
  const protocol = datagram().over(transport);
  const server = await protocol.serve(address, services, options, env);
  return {
    env,
    services,
    server,
    sent,
    caller: protocol.connect(address, {}, env),
    receive: (bytes, from = peer) => {
      // It lies somewhere in memory that holds other things.
      const memory = Buffer.concat([Buffer.from([7, 7, 7]), bytes, Buffer.from([9, 9, 9])]);
      heard(memory, 3, 3 + bytes.length, from);
    },
    attempt: (deadlineMs = 10_000) =>
      new Attempt(env.now() + deadlineMs, Infinity, beginTrace(env), "key", { tenant: "a" }),
  };
}

const settled = async (): Promise<void> => {
  for (let turn = 0; turn < 10; turn++) await Promise.resolve();
};

for (const seed of [1, 2, 3]) {
  test(`ten thousand hostile datagrams are dropped and counted, and none is taken for another (seed ${seed})`, async () => {
    const { server, caller, sent, receive, attempt, services } = await scene();
    const random = seededRandom(seed);
    await caller.notify(note, { n: 1 }, attempt());
    const [good] = sent;
    for (let round = 0; round < 10_000; round++) {
      const bad = Buffer.from(good!);
      for (let flips = between(random, 1, 4); flips > 0; flips--)
        bad[between(random, 0, bad.length - 1)] = between(random, 0, 255);
      const cut = random() < 0.3 ? between(random, 0, bad.length) : bad.length;
      receive(
        random() < 0.1 ? Buffer.from(bad.map(() => between(random, 0, 255))) : bad.subarray(0, cut),
      );
    }
    await settled();
    const counts = server.datagrams!;
    const { received, handled, refused, expired, malformed, doubled } = counts;
    equal(received, 10_000);
    equal(handled + refused + expired + malformed + doubled, received, JSON.stringify(counts));
    ok(malformed > 1_000, JSON.stringify(counts));
    equal(handled, services.begun.length);
    equal(server.inFlight, 0);
  });
}

test("what begins as another version does is none of ours", async () => {
  const { server, caller, sent, receive, attempt } = await scene();
  await caller.notify(note, 1, attempt());
  const other = Buffer.from(sent[0]!);
  other[3] = 2;
  receive(other);
  deepEqual([server.datagrams!.malformed, server.inFlight], [1, 0]);
});

test("a datagram that comes twice is begun once", async () => {
  const { server, caller, sent, receive, attempt, services } = await scene();
  await caller.notify(note, 1, attempt());
  await caller.notify(note, 2, attempt());
  await caller.notify(note, 3, attempt());
  for (const index of [0, 2, 2, 0]) receive(sent[index]!);
  await settled();
  const { doubled, missing, handled } = server.datagrams!;
  deepEqual([doubled, missing, handled, services.begun.length], [2, 1, 2, 2]);
});

test("whoever sends under the number of another one does not make what that one sends look old", async () => {
  const { server, caller, sent, receive, attempt } = await scene();
  await caller.notify(note, 1, attempt());
  await caller.notify(note, 2, attempt());
  receive(sent[0]!);
  const forged = Buffer.from(sent[0]!);
  forged.writeUInt32BE(1_000_000, 16);
  receive(forged, { ...peer, address: "udp://127.0.0.1:2" });
  receive(forged, { ...peer, pid: 4711 });
  receive(sent[1]!);
  await settled();
  deepEqual([server.datagrams!.doubled, server.datagrams!.handled], [0, 4]);
});

test("a datagram that was on its way for longer than its deadline is not begun, where both have one clock", async () => {
  const { env, server, caller, sent, receive, attempt, services } = await scene();
  await caller.notify(note, 1, attempt(50));
  await caller.notify(note, 2, attempt(500));
  env.stall(100);
  for (const each of sent) receive(each);
  deepEqual([server.datagrams!.expired, services.begun.length], [1, 1]);
  equal(services.begun[0]!.exact, true);
});

test("more than may be under way are refused, where they cannot be held back", async () => {
  const { server, caller, sent, receive, attempt, services } = await scene({ inFlightMax: 2 });
  const end = Promise.withResolvers<void>();
  services.answer(note, () => end.promise);
  for (let number = 0; number < 5; number++) await caller.notify(note, number, attempt());
  for (const each of sent) receive(each);
  deepEqual([server.inFlight, server.datagrams!.refused], [2, 3]);
  end.resolve();
  await settled();
  equal(server.inFlight, 0);
});

test("that datagrams cannot be read is told once a second, however many there are", async () => {
  const { env, receive } = await scene();
  const told: RefusalEvent[] = [];
  const hear = (event: unknown): void => void told.push(event as RefusalEvent);
  subscribe("trunkline:refusal", hear);
  try {
    for (let second = 0; second < 3; second++) {
      for (let each = 0; each < 100; each++) receive(Buffer.from("GET / HTTP/1.1"));
      env.stall(1_000);
    }
  } finally {
    unsubscribe("trunkline:refusal", hear);
  }
  equal(told.length, 3);
  match(told[0]!.reason, /^a datagram at udp:\/\/127\.0\.0\.1:7000: it does not begin/);
  match(told[1]!.reason, /^100 datagrams, the last one at/);
});
