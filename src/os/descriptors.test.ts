import { deepEqual, equal, notEqual, throws } from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { closeSync, mkdtempSync, openSync, readSync, rmSync, statSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { suite, test } from "node:test";

import { errno, noAddon, openDescriptors, os, program } from "./testing/lab.ts";

suite("descriptors", { skip: noAddon }, () => {
  test("a bell counts how often it was rung, and gives nothing after that", () => {
    const bell = os.bellCreate();
    equal(os.bellRing(bell), 0);
    equal(os.bellRing(bell), 0);
    const count = Buffer.alloc(8);
    equal(readSync(bell, count), 8);
    equal(count.readBigUInt64LE(), 2n);
    throws(() => readSync(bell, count), { code: "EAGAIN" });
    os.descriptorClose(bell);
    equal(os.bellRing(bell), errno.EBADF);
  });

  test("a bell is told from everything else", () => {
    const bell = os.bellCreate();
    const copy = os.descriptorCopy(bell);
    const memory = os.memoryCreate("lab", 4096);
    const [one, two] = os.socketPair(os.stream);
    deepEqual(
      [bell, copy, memory, one, two, 987_654, -1].map((fd) => os.isBell(fd)),
      [true, true, false, false, false, false, false],
    );
    for (const fd of [bell, copy, memory, one, two]) os.descriptorClose(fd);
  });

  test("a bell that is full was heard all the same, and one that would block is not rung", (t) => {
    const bell = os.bellCreate();
    t.after(() => os.descriptorClose(bell));
    writeSync(bell, Buffer.from("feffffffffffffff", "hex"));
    equal(os.bellRing(bell), 0);
    const blocks = "import fcntl, os; fcntl.fcntl(3, fcntl.F_SETFL, os.O_RDWR)";
    const child = spawnSync("python3", ["-S", "-c", blocks], {
      stdio: ["ignore", "ignore", "ignore", bell],
    });
    if (child.status !== 0) return t.skip("python3 is not installed");
    equal(os.isBell(bell), false);
    equal(os.bellRing(bell), errno.EPERM);
  });

  test("a copy outlives what it is a copy of, and neither is there in programs that are started", async () => {
    const bell = os.bellCreate();
    const copy = os.descriptorCopy(bell);
    notEqual(copy, bell);
    const { stdout } = await program(
      `import { readdirSync, readlinkSync } from "node:fs";
       const links = [${bell}, ${copy}].map((fd) => {
         try { return readlinkSync("/proc/self/fd/" + fd); } catch { return "none"; }
       });
       console.log(links.filter((link) => link.includes("eventfd")).length < 2 ? "not both" : "both");`,
    );
    // Node has event counters of its own, which may have got one of the numbers.
    equal(stdout, "not both\n");
    os.descriptorClose(bell);
    equal(os.bellRing(copy), 0);
    os.descriptorClose(copy);
    throws(() => os.descriptorCopy(copy), { code: "EBADF", errno: errno.EBADF, syscall: "fcntl" });
    throws(() => os.descriptorClose(copy), { code: "EBADF", syscall: "close" });
  });

  test("a file is locked for its opening, by one writer or many readers, in all processes", async (t) => {
    const folder = mkdtempSync(join(tmpdir(), "trunkline-"));
    t.after(() => rmSync(folder, { recursive: true }));
    const path = join(folder, "file");
    const [one, two] = [openSync(path, "w+"), openSync(path, "r+")];
    const elsewhere = `import { openSync } from "node:fs";
      const fd = openSync(${JSON.stringify(path)}, "r+");
      console.log(os.fileLock(fd, true), os.fileLock(fd, false));`;
    equal(os.fileLock(one, true), true);
    equal(os.fileLock(one, true), true, "whoever has it may ask again");
    equal(os.fileLock(two, false), false, "in the same process too");
    equal((await program(elsewhere)).stdout, "false false\n");
    equal(os.fileLock(one, false), true, "from writer to reader");
    equal(os.fileLock(two, false), true);
    equal((await program(elsewhere)).stdout, "false true\n");
    os.fileUnlock(one);
    closeSync(two); // which unlocks
    equal((await program(elsewhere)).stdout, "true true\n");
    equal(os.fileLock(one, true), true, "that process has ended, and its locks with it");
    closeSync(one);
    throws(() => os.fileLock(one, true), { code: "EBADF" });
    throws(() => os.fileUnlock(one), { code: "EBADF" });
    const readable = openSync(path, "r");
    throws(() => os.fileLock(readable, true), { code: "EBADF" }, "only a writer locks others out");
    closeSync(readable);
  });

  test("one byte of a file is locked apart from the others, there or not, in all processes", async (t) => {
    const folder = mkdtempSync(join(tmpdir(), "trunkline-"));
    t.after(() => rmSync(folder, { recursive: true }));
    const path = join(folder, "file");
    const [one, two] = [openSync(path, "w+"), openSync(path, "r+")];
    const elsewhere = `import { openSync } from "node:fs";
      const fd = openSync(${JSON.stringify(path)}, "r+");
      console.log(os.byteLock(fd, 0), os.byteLock(fd, 1), os.byteLock(fd, 2));`;
    equal(os.byteLock(one, 0), true);
    equal(os.byteLock(one, 0), true, "whoever has it may ask again");
    equal(os.byteLock(two, 0), false, "in the same process too");
    equal(os.byteLock(two, 1), true);
    equal((await program(elsewhere)).stdout, "false false true\n");
    os.byteUnlock(one, 0);
    equal(os.byteLock(two, 0), true);
    closeSync(two); // which unlocks
    equal((await program(elsewhere)).stdout, "true true true\n");
    equal(os.byteLock(one, 2), true, "that process has ended, and its locks with it");
    closeSync(one);
    throws(() => os.byteLock(one, 0), { code: "EBADF" });
    throws(() => os.byteUnlock(one, 0), { code: "EBADF" });
    throws(() => os.byteLock(0, -1), TypeError);
  });

  test("a named pipe is made once, with its mode, and nowhere where there is something", (t) => {
    const folder = mkdtempSync(join(tmpdir(), "trunkline-"));
    t.after(() => rmSync(folder, { recursive: true }));
    const path = `${folder}/pipe`;
    equal(os.fifoCreate(path, 0o600), 0);
    const made = statSync(path);
    deepEqual([made.isFIFO(), made.mode & 0o777], [true, 0o600]);
    equal(os.fifoCreate(path, 0o600), errno.EEXIST);
    equal(os.fifoCreate(`${folder}/none/pipe`, 0o600), errno.ENOENT);
    throws(() => os.fifoCreate(`${folder}/a\0b`, 0o600), TypeError);
    throws(() => os.fifoCreate(path, "600" as never), TypeError);
  });

  test("what is no descriptor is refused", () => {
    for (const fd of ["1", undefined, null, true, 1.5, Number.NaN, Infinity, 2 ** 31, 1n]) {
      const no = fd as number;
      for (const act of [
        () => os.bellRing(no),
        () => os.isBell(no),
        () => os.descriptorCopy(no),
        () => os.descriptorClose(no),
        () => os.fileLock(no, true),
        () => os.fileUnlock(no),
      ])
        throws(act, TypeError, `${String(fd)} for ${String(act)}`);
    }
    throws(() => Reflect.apply(os.bellRing, os, []), TypeError);
    throws(() => os.fileLock(0, 1 as never), TypeError);
    equal(os.bellRing(-1), errno.EBADF);
  });

  test("made and closed 10,000 times leave nothing behind", () => {
    const before = openDescriptors();
    for (let round = 0; round < 10_000; round++) {
      const bell = os.bellCreate();
      const copy = os.descriptorCopy(bell);
      os.descriptorClose(bell);
      os.descriptorClose(copy);
    }
    equal(openDescriptors(), before);
  });
});
