import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { suite, test, type TestContext } from "node:test";

import { serve } from "../call/serve.ts";
import { bytes, call, contract, notification, stream, upload } from "../contract/index.ts";
import { addonProblem } from "../os/addon.ts";
import { loan, seal } from "../os/loan.ts";
import { chassis } from "./chassis.ts";
import { client } from "./client.ts";

const Frames = contract(
  "frames",
  { version: "1.0.0" },
  {
    echo: call({ in: bytes(), out: bytes() }),
    show: notification({ in: bytes() }),
    film: stream({ out: bytes() }),
    store: upload({ in: bytes(), out: bytes() }),
  },
);

const soon = { timeout: 60_000 };
/** Larger than what goes in one frame, smaller than what `itemBytesMax` allows here. */
const size = 300_000;
const itemBytesMax = 1024 * 1024;

interface Scene {
  readonly frames: ReturnType<typeof client<typeof Frames>>;
  /** What the handlers were given, newest last. */
  readonly seen: Uint8Array[];
  readonly address: string;
}

async function scene(t: TestContext, scheme: "unix" | "tcp"): Promise<Scene> {
  const folder = mkdtempSync(join(tmpdir(), "trunkline-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const seen: Uint8Array[] = [];
  const app = await chassis({
    name: "frames",
    listen: scheme === "unix" ? `unix:${folder}/x.sock` : "tcp://127.0.0.1:0",
    signals: false,
    itemBytesMax,
    serve: [
      serve(Frames, {
        echo(frame) {
          seen.push(frame);
          return frame;
        },
        show: (frame) => void seen.push(frame),
        async *film() {
          const page = seal(loan(size).fill(8));
          for (let n = 0; n < 3; n++) yield page;
        },
        async store(frames) {
          for await (const frame of frames) seen.push(frame);
          return seal(loan(size).fill(9));
        },
      }),
    ],
  });
  const { address } = app.stats().addresses[0]!;
  const frames = client(Frames, address, {
    itemBytesMax: 4 * itemBytesMax,
  });
  t.after(async () => {
    await frames[Symbol.asyncDispose]();
    await app.stop();
  });
  return { frames, seen, address };
}

/** Mapped, and not copied: before the pages of the other side there is one of ours, for the head of the frame. */
function isLent(page: Uint8Array): boolean {
  return page.byteOffset >= 64 * 1024;
}

/** Every byte of it is this one. */
function allOf(page: Uint8Array, byte: number): boolean {
  return page.length === size && page.every((each) => each === byte);
}

suite("payloads that are lent", { skip: addonProblem() ?? false }, () => {
  /** The same, after its connection has moved: from then on what is lent arrives as it is. */
  async function moved(t: TestContext): Promise<Scene> {
    const at = await scene(t, "unix");
    do await at.frames.echo(loan(size));
    while (!isLent(at.seen.at(-1)!));
    at.seen.length = 0;
    return at;
  }

  test("an input and an answer", soon, async (t) => {
    const { frames, seen } = await moved(t);
    const page = loan(size).fill(3);
    const echoed = await frames.echo(page);
    assert.equal(page.length, 0);
    assert.ok(allOf(seen[0]!, 3) && isLent(seen[0]!));
    assert.ok(allOf(echoed, 3));
    const stored = await frames.store([]);
    assert.ok(allOf(stored, 9) && isLent(stored));
  });

  test("a notification, and the items of an upload and of a stream", soon, async (t) => {
    const { frames, seen } = await moved(t);
    await frames.show(loan(size).fill(4));
    await frames.store([loan(size).fill(5), loan(10).fill(6), loan(size).fill(7)]);
    assert.deepEqual(
      seen.map((each) => [each[0], each.length, isLent(each)]),
      [
        [4, size, true],
        [5, size, true],
        [6, 10, false],
        [7, size, true],
      ],
    );
    let items = 0;
    for await (const item of frames.film()) {
      assert.ok(isLent(item));
      assert.ok(allOf(item, 8));
      items++;
    }
    assert.equal(items, 3);
  });

  test(
    "parts of a page, to be sent again and again, and what was received is ours to change",
    soon,
    async (t) => {
      const { frames, seen } = await moved(t);
      const page = loan(2 * size);
      page.fill(1, 0, size).fill(2, size);
      const sealed = seal(page);
      for (let round = 0; round < 3; round++) {
        assert.ok(allOf(await frames.echo(sealed.subarray(0, size)), 1));
        assert.ok(allOf(await frames.echo(sealed.subarray(size)), 2));
        seen[2 * round]!.fill(7);
      }
      assert.equal(sealed[0], 1);
    },
  );

  test(
    "one that is larger than the other side takes is refused, and the connection lives",
    soon,
    async (t) => {
      const { frames } = await moved(t);
      const refused = { code: "RESOURCE_EXHAUSTED", executed: "no" };
      await assert.rejects(frames.echo(loan(itemBytesMax + 100_000)), refused);
      assert.ok(allOf(await frames.echo(loan(size).fill(1)), 1));
    },
  );

  test(
    "an answer that is larger than we take is refused by us, in fragments and lent",
    soon,
    async (t) => {
      const { address } = await moved(t);
      await using frames = client(Frames, address, { itemBytesMax: 100_000 });
      // The connection moves while they come.
      for (let round = 0; round < 50; round++)
        await assert.rejects(frames.store([]), { code: "RESOURCE_EXHAUSTED", executed: "yes" });
    },
  );
});

test(
  "over another way the same bytes are copied, and the page is given away all the same",
  soon,
  async (t) => {
    const { frames, seen } = await scene(t, "tcp");
    const page = loan(size).fill(3);
    assert.ok(allOf(await frames.echo(page), 3));
    assert.equal(page.length, 0);
    assert.equal(isLent(seen[0]!), false);
  },
);
