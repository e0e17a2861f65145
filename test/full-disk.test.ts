// What users get when the disk is full, on a file system that keeps its blocks on a disk: ext4, which hands them out late.
import { deepEqual, equal, match, rejects, throws } from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import {
  closeSync,
  fsyncSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  rmSync,
  statfsSync,
  truncateSync,
  unlinkSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { arch, platform, tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { suite, test, type TestContext } from "node:test";
import { chassis, client, contract, document, on } from "trunkline";
import { createTable, openTable } from "trunkline/shm";
import * as z from "zod";

const Shop = contract(
  "shop",
  { version: "1.0.0" },
  { paid: document({ data: z.object({ n: z.number() }) }) },
);

/** A disk of its own, of `mebibytes`; undefined where there can be none. */
function disk(t: TestContext, mebibytes: number): string | undefined {
  const folder = mkdtempSync(join(tmpdir(), "trunkline-disk-"));
  let mounted = false;
  t.after(() => {
    if (mounted) execFileSync("umount", [place]);
    rmSync(folder, { recursive: true });
  });
  const [image, place] = [join(folder, "image"), join(folder, "disk")];
  writeFileSync(image, "");
  truncateSync(image, mebibytes * 1_048_576);
  mkdirSync(place);
  mounted =
    spawnSync("mkfs.ext4", ["-q", "-F", "-m", "0", image]).status === 0 &&
    spawnSync("mount", ["-o", "loop", image, place]).status === 0;
  return mounted ? place : undefined;
}

/** Takes all of its room; gives it back when called. */
function fill(place: string): () => void {
  const path = join(place, "filler");
  const fd = openSync(path, "w");
  for (let bytes = 65_536; bytes >= 512;) {
    try {
      writeSync(fd, Buffer.alloc(bytes));
    } catch {
      bytes /= 2;
    }
  }
  fsyncSync(fd);
  closeSync(fd);
  equal(statfsSync(place).bavail, 0);
  return () => unlinkSync(path);
}

/** With the package comes an addon for this machine. */
const able = platform() === "linux" && arch() === "x64" && userInfo().uid === 0;
const skip = able ? false : "only root on Linux can mount a disk, and it needs the addon";

suite("a full disk", { skip }, () => {
  test("a table that is there goes on, and one that cannot be made says so", (t) => {
    const place = disk(t, 8);
    if (place === undefined) return t.skip("there is no mkfs.ext4, or no loop device");
    const path = join(place, "prices");
    const room = fill(place);
    throws(() => createTable(path), { code: "RESOURCE_EXHAUSTED", executed: "no" });
    room();
    using table = createTable<string>(path, { valueBytesMax: 1_000_000 });
    fill(place);
    using reader = openTable<string>(path);
    for (const letter of ["a", "b", "c"]) {
      const value = letter.repeat(900_000);
      table.set(value);
      equal(reader.get(), value);
    }
  });

  for (const sync of ["", "?sync=disk"])
    test(`a ring that is there goes on, and one that cannot be made says so${sync && `, with ${sync}`}`, async (t) => {
      const place = disk(t, 24);
      if (place === undefined) return t.skip("there is no mkfs.ext4, or no loop device");
      const messages = `mmap:${join(place, "ring")}${sync}`;
      const heard: number[] = [];
      const [first, all] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
      const sent = Array.from({ length: 200 }, (_, index) => index);
      const started = () =>
        chassis({
          name: "till",
          messages,
          signals: false,
          serve: [
            on(Shop.paid, {}, ({ n }) => {
              if (n < 0) return first.resolve();
              heard.push(n);
              if (heard.length === sent.length) all.resolve();
            }),
          ],
        });
      const room = fill(place);
      await rejects(started, { code: "RESOURCE_EXHAUSTED", executed: "no" });
      room();
      await using _app = await started();
      await using shop = client(Shop, "memory:till", { messages });
      // Whoever hears something has the ring of the dead letters too.
      await shop.paid({ n: -1 });
      await first.promise;
      fill(place);
      for (const n of sent) await shop.paid({ n });
      await all.promise;
      deepEqual(heard, sent);
    });

  test("a broker in a folder, and files that are shared, say that there is no room", async (t) => {
    const place = disk(t, 8);
    if (place === undefined) return t.skip("there is no mkfs.ext4, or no loop device");
    fill(place);
    for (const scheme of ["file", "sharedfile"]) {
      const messages = `${scheme}:${join(place, scheme)}`;
      const serve = [on(Shop.paid, {}, () => {})];
      const started = chassis({ name: "till", messages, signals: false, serve });
      await rejects(started, (error: Error) => {
        match(error.message, /executed: no/);
        match(error.message, /disk is full[^]*make room on it/i);
        return true;
      });
    }
  });
});
