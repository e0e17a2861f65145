import { deepEqual, equal } from "node:assert/strict";
import { test } from "node:test";
import { call, chassis, contract, serve } from "trunkline";
import * as z from "zod";
import {
  BufferEncoders,
  encodeCompositeMetadata,
  encodeRoute,
  Leases,
  MESSAGE_RSOCKET_COMPOSITE_METADATA,
  MESSAGE_RSOCKET_ROUTING,
  RSocketClient,
  type Lease,
  type Payload,
  type Socket,
} from "rsocket-core";
import tcp from "rsocket-tcp-client";
import type { Single } from "rsocket-flowable";

const Echo = contract(
  "echo",
  { version: "1.0.0" },
  { say: call({ in: z.string(), out: z.string() }) },
);

function single<T>(of: Single<T>): Promise<T> {
  return new Promise((resolve, reject) => of.subscribe({ onComplete: resolve, onError: reject }));
}

function say(word: string): Payload {
  const route = [MESSAGE_RSOCKET_ROUTING, encodeRoute("echo.say")] as const;
  const metadata = encodeCompositeMetadata([route]);
  return { data: Buffer.from(JSON.stringify(word)), metadata };
}

test("rsocket-core of npm gets leases, keeps to them, and gets the next in time", async (t) => {
  const app = await chassis({
    name: "echo",
    listen: "tcp://127.0.0.1:0",
    signals: false,
    admission: { limitMax: 8, limitMin: 8 },
    serve: [serve(Echo, { say: (word) => word })],
  });
  t.after(() => app.stop({ force: true }));
  const port = Number(new URL(app.addresses[0]!).port);
  const given: Lease[] = [];
  const first = Promise.withResolvers<void>();
  const client = new RSocketClient({
    setup: {
      dataMimeType: "application/json",
      metadataMimeType: MESSAGE_RSOCKET_COMPOSITE_METADATA.string,
      keepAlive: 1_000,
      lifetime: 10_000,
    },
    transport: new tcp.default({ host: "127.0.0.1", port }, BufferEncoders),
    leases: () =>
      new Leases().receiver((leases) =>
        leases.subscribe({
          onSubscribe: (subscription) => subscription.request(0x7fff_ffff),
          onNext: (lease) => {
            given.push(lease);
            first.resolve();
          },
        }),
      ),
  });
  const socket: Socket = await single(client.connect());
  t.after(() => socket.close());
  await first.promise;
  deepEqual([given[0]!.timeToLiveMillis, given.length], [30_000, 1]);
  for (let i = 0; i < 50; i++) {
    const { data } = await single(socket.requestResponse(say(`word ${i}`)));
    equal(JSON.parse(data!.toString()), `word ${i}`);
  }
  equal(given.length > 5, true);
});
