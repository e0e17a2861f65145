import { deepEqual, equal, ok, rejects } from "node:assert/strict";

import { isTrunklineError } from "../../base/error.ts";
import type { Connection, TransportCapabilities } from "../transport.ts";
import type { Case } from "./case.ts";
import { arrived, numbered, send } from "./frames.ts";
import type { Stage } from "./stage.ts";

const unavailable = { code: "UNAVAILABLE", executed: "no", declared: false } as const;

export const listeningCases: readonly Case[] = [
  {
    name: "dialling where nobody listens is refused with UNAVAILABLE and the address",
    when: takesMany,
    play: async (stage) => {
      await rejects(stage.dial(), { ...unavailable, endpoint: stage.address.text });
    },
  },
  {
    name: "a dial whose time is over is given up with UNAVAILABLE",
    play: async (stage) => {
      await stage.listen((connection) => connection.destroy("not wanted"));
      await rejects(stage.dial({ until: stage.env.now() }), unavailable);
      await rejects(stage.dial({ until: stage.env.now() - 1_000 }), unavailable);
    },
  },
  {
    name: "a second listener at one address is refused, and the first goes on",
    play: async (stage) => {
      const { near, far } = await stage.pair();
      await rejects(
        stage.listen(() => ok(false, "the refused listener accepts")),
        {
          ...unavailable,
          endpoint: stage.address.text,
        },
      );
      send(near.connection, numbered(1, 10));
      await arrived(far, [numbered(1, 10)]);
    },
  },
  {
    name: "the address of a listener is where it can be dialled",
    play: async (stage) => {
      const listener = await stage.listen(() => {});
      const until = stage.env.now() + 10_000;
      const { transport, env } = stage;
      const near = stage.recorder(await transport.dial(listener.address, { until }, env)).open();
      equal(near.connection.writable, true);
    },
  },
  {
    name: "closing a listener leaves its connections open and its address free",
    when: takesMany,
    play: async (stage) => {
      const accepted = Promise.withResolvers<Connection>();
      const listener = await stage.listen(accepted.resolve);
      const near = stage.recorder(await stage.dial()).open();
      const far = stage.recorder(await accepted.promise).open();
      await Promise.all([listener.close(), listener.close()]);
      await rejects(stage.dial(), unavailable);
      const again = await stage.pair();
      await listener.close();
      for (const [from, to] of [
        [near, far],
        [far, near],
        [again.near, again.far],
      ] as const) {
        send(from.connection, numbered(1, 10));
        await arrived(to, [numbered(1, 10)]);
      }
      const third = stage.recorder(await stage.dial()).open();
      equal(third.connection.writable, true);
    },
  },
  {
    name: "closing a listener leaves its one connection open, and its address is used up",
    when: (capabilities) => !takesMany(capabilities),
    play: async (stage) => {
      const accepted = Promise.withResolvers<Connection>();
      const listener = await stage.listen(accepted.resolve);
      const near = stage.recorder(await stage.dial()).open();
      const far = stage.recorder(await accepted.promise).open();
      await Promise.all([listener.close(), listener.close()]);
      await rejects(
        stage.listen(() => ok(false, "the refused listener accepts")),
        unavailable,
      );
      for (const [from, to] of [
        [near, far],
        [far, near],
      ] as const) {
        send(from.connection, numbered(1, 10));
        await arrived(to, [numbered(1, 10)]);
      }
    },
  },
  {
    name: "connections past connectionsMax are closed at once; when one has gone there is room again",
    when: takesMany,
    play: async (stage) => {
      const accepted: Connection[] = [];
      await stage.listen((connection) => accepted.push(connection), { connectionsMax: 2 });
      const first = stage.recorder(await stage.dial()).open();
      const second = stage.recorder(await stage.dial()).open();
      await tooMany(stage);
      deepEqual([first.reason, second.reason, accepted.length], [undefined, undefined, 2]);
      const far = stage.recorder(accepted[0]!).open();
      stage.recorder(accepted[1]!).open();
      first.connection.destroy("making room");
      await far.until(() => far.reason !== undefined || far.ends > 0);
      far.connection.destroy("making room");
      await far.until(() => far.reason !== undefined);
      await stage.turn();
      const fourth = stage.recorder(await stage.dial()).open();
      send(fourth.connection, numbered(4, 10));
      await stage.turns(() => accepted.length === 3);
      await arrived(stage.recorder(accepted[2]!).open(), [numbered(4, 10)]);
    },
  },
  {
    name: "a hundred connections at once keep their frames apart",
    when: takesMany,
    play: async (stage) => {
      await stage.listen((connection) => {
        const far = stage.recorder(connection);
        far.onFrame = (frame) => send(connection, frame);
        far.open();
      });
      const near = await Promise.all(
        Array.from({ length: 100 }, async () => stage.recorder(await stage.dial()).open()),
      );
      const sent = near.map((_, i) =>
        Array.from({ length: 20 }, (__, j) => numbered(i * 100 + j, i)),
      );
      for (let j = 0; j < 20; j++) {
        near.forEach((each, i) => send(each.connection, sent[i]![j]!));
      }
      await Promise.all(near.map((each, i) => arrived(each, sent[i]!)));
    },
  },
  {
    name: "the name of the transport is the one in its addresses",
    play: async (stage) => {
      equal(stage.transport.name, stage.address.transport);
      await stage.turn();
    },
  },
];

/** One more than there is room for. Who has to shake hands first learns it by its dial, others by what they have dialled. */
async function tooMany(stage: Stage): Promise<void> {
  const dialled = await stage.dial().catch((error: unknown) => error);
  if (isTrunklineError(dialled)) {
    deepEqual([dialled.code, dialled.executed], ["UNAVAILABLE", "no"]);
    return;
  }
  const recorder = stage.recorder(dialled as Connection).open();
  await recorder.until(() => recorder.reason !== undefined || recorder.ends > 0);
}

function takesMany({ connections }: TransportCapabilities): boolean {
  return connections !== "one";
}
