import { deepEqual, equal, throws } from "node:assert/strict";
import { test } from "node:test";
import type { Outgoing } from "../../broker/broker.ts";
import { channel } from "../../broker/channel.ts";
import { isOrdered } from "../../store/outbox-rows.ts";
import { RowReader, rowOf } from "./message-row.ts";

const ordered = channel({ name: "orders.1.placed", shape: "topic", ordered: true, groups: ["a"] });

function outgoing(more: Partial<Outgoing> = {}): Outgoing {
  return {
    channel: ordered,
    envelope: {
      id: "id-1",
      type: "orders.placed",
      source: "/shop",
      subject: "order-1",
      time: 1_700_000_000_000,
      contentType: "application/json",
      attributes: { traceparent: "00-1-2-01" },
      data: Buffer.from("{}"),
    },
    to: undefined,
    priority: 3,
    ...more,
  };
}

test("a message comes out of its row as it went in, its channel as one object", () => {
  const reader = new RowReader();
  const given = outgoing({ to: "billing" });
  const row = rowOf(given, Math.random);
  const [first, second] = [reader.outgoingOf(row), reader.outgoingOf(row)];
  deepEqual(first, { ...given });
  equal(first.channel, second.channel);
  deepEqual(first.channel, ordered);
});

test("what has no order, or is delayed, is in no ordered lane", () => {
  const plain = channel({ name: "plain", shape: "queue" });
  equal(isOrdered(rowOf(outgoing(), Math.random).lane), true);
  equal(isOrdered(rowOf(outgoing({ channel: plain }), Math.random).lane), false);
  const delayed = rowOf(outgoing({ notBefore: 1_800_000_000_000 }), Math.random);
  deepEqual([isOrdered(delayed.lane), delayed.notBefore], [false, 1_800_000_000_000]);
});

test("a row that cannot be read throws", () => {
  const row = rowOf(outgoing(), Math.random);
  throws(() => new RowReader().outgoingOf({ ...row, head: "{" }), SyntaxError);
  throws(() => new RowReader().outgoingOf({ ...row, channel: '{"name":"?","shape":"queue"}' }), {
    code: "INVALID_ARGUMENT",
  });
});
