import { deepEqual, equal, ok } from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { isTrunklineError } from "../../base/error.ts";
import type { Receipt } from "../../broker/broker.ts";
import { channel } from "../../broker/channel.ts";
import type { Node } from "../../broker/embedded/node.ts";
import { noSmallDisk, smallDisk } from "../../broker/embedded/testing/small-disk.ts";
import { engine } from "./engine.ts";
import { OwnerLife } from "./owner-life.ts";
import { SharedFolder } from "./testing/shared-folder.ts";

const mebibyte = 1_048_576;
const messages = 600;
const waitMs = 60_000;
const work = channel({ name: "work", shape: "queue", ordered: true, shards: 2 });
const large = Buffer.alloc(100_000, "x");

test(
  "a folder on a disk that is nearly full holds publishers up, and whoever consumes makes room: nothing is lost or doubled",
  { timeout: 120_000, skip: noSmallDisk },
  async (context: TestContext) => {
    const storage = { walBytesMax: mebibyte, freeBytesMin: 8 * mebibyte };
    const shared = new SharedFolder(context, engine({ storage, blockedMs: waitMs }));
    // What is published is more than the disk holds.
    const folder = await smallDisk(context, "48m");
    const [first, second] = [shared.folder({ folder, waitMs }), shared.folder({ folder, waitMs })];
    await using owner = await shared.open(first, waitMs);
    await using guest = await shared.open(second, waitMs);
    await owner.declare([work]);
    ok(first.life instanceof OwnerLife);
    const held = blocked(first.life.engine.node);
    let told = 0;
    const receipts = Array.from({ length: messages }, async (_, index) => {
      const envelope = {
        ...{ id: String(index), type: "test.said", source: "/test", subject: "key", time: 0 },
        ...{ contentType: "text/plain", attributes: {}, data: large },
      };
      const [receipt] = await guest.publish([{ channel: work, envelope }]);
      told++;
      return receipt;
    });
    equal(await held, "disk");
    ok(told < messages);
    const heard: string[] = [];
    const all = Promise.withResolvers<void>();
    const consumed = { channel: work, group: undefined, prefetch: 5 };
    await owner.consume(consumed, (batch) => {
      for (const each of batch) {
        heard.push(each.envelope.id);
        void each.ack();
      }
      if (heard.length >= messages) all.resolve();
    });
    for (const receipt of await Promise.all(receipts))
      equal(isTrunklineError(receipt) ? receipt.message : (receipt as Receipt).enqueued, "stored");
    await all.promise;
    deepEqual(
      heard,
      Array.from({ length: messages }, (_, index) => String(index)),
    );
  },
);

/** Why publishers are held up, as soon as they are. */
function blocked(node: Node): Promise<string> {
  return new Promise((resolve) => {
    const forget = node.onBlocked(() => {
      if (node.blocked !== "disk") return;
      forget();
      resolve(node.blocked);
    });
  });
}
