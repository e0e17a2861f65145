// Real processes that share a folder, and are killed.
import { deepEqual, equal, ok } from "node:assert/strict";
import { mkdtempSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { suite, test, type TestContext } from "node:test";
import { readOwner } from "./owner-note.ts";
import { tryLock } from "./owner-lock.ts";
import { accountOf, Worker } from "./testing/processes.ts";

/** A folder for one test, and the processes that share it. */
class Scene {
  readonly path: string;
  readonly data: string;
  readonly workers: Worker[] = [];

  constructor(context: TestContext) {
    this.path = realpathSync(mkdtempSync(join(tmpdir(), "trunkline-file-")));
    this.data = join(this.path, "data");
    context.after(async () => {
      await Promise.all(this.workers.map((each) => each.kill()));
      rmSync(this.path, { recursive: true, force: true });
    });
  }

  async start(name: string): Promise<Worker> {
    const worker = new Worker(`file:${this.data}`, name, join(this.path, name), true);
    this.workers.push(worker);
    await worker.said("open");
    return worker;
  }

  /** The process that owns the folder, by its note. */
  async owner(): Promise<Worker> {
    const { pid } = (await readOwner(this.data))!;
    return this.workers.find((each) => each.pid === pid)!;
  }

  /** Resolves when everything that was confirmed has been acknowledged. */
  async handled(): Promise<void> {
    for (;;) {
      const { confirmed, acked } = accountOf(this.workers);
      const ids = new Set(acked.map(({ id }) => id));
      if ([...confirmed].every((id) => ids.has(id))) return;
      await Promise.race(this.workers.map((each) => each.news()));
    }
  }
}

const count = 1_500;

suite("processes that share a folder", () => {
  test("lose and double nothing, and keep the order of keys, when its owner is killed again and again", async (context: TestContext) => {
    const scene = new Scene(context);
    // Who publishes is not killed, so that all that it was told is known: the others own the folder before it.
    await scene.start("first");
    const publishers = [await scene.start("a"), await scene.start("b"), await scene.start("c")];
    for (const each of publishers) each.order({ order: "publish", from: 0, count, inFlight: 50 });
    const [a] = publishers;
    await a!.said("confirmed", 300);
    await (await scene.owner()).kill();
    await Promise.all(publishers.map((each) => each.said("published")));
    await scene.handled();
    for (const each of publishers) await each.close();
    const { confirmed, failed, lost, doubled, disordered } = accountOf(scene.workers);
    deepEqual(failed, []);
    equal(confirmed.size, 3 * count);
    deepEqual({ lost, doubled, disordered }, { lost: [], doubled: [], disordered: [] });
    const lock = tryLock(scene.data);
    ok(lock !== undefined);
    lock.release();
  });
});
