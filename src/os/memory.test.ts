import { deepEqual, equal, throws } from "node:assert/strict";
import {
  closeSync,
  ftruncateSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  writeSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { suite, test } from "node:test";

import { errno, mapsOpen, noAddon, openDescriptors, os, program } from "./testing/lab.ts";

const page = 4096;

suite("shared memory", { skip: noAddon }, () => {
  test("is there in its full size, empty, and two maps of it are the same memory", () => {
    const fd = os.memoryCreate("lab", 3 * page);
    equal(os.memoryBytes(fd), 3 * page);
    const one = new Uint8Array(os.memoryMap(fd, 0, 3 * page, true));
    const two = new Uint8Array(os.memoryMap(fd, page, page, false));
    equal(one.length, 3 * page);
    deepEqual(new Set(one), new Set([0]));
    one[page + 7] = 42;
    equal(two[7], 42);
    for (const { buffer } of [one, two]) os.memoryLetGo(buffer);
    os.descriptorClose(fd);
  });

  test("has no bytes any more, in any view, once it is let go of, and its map is gone", async () => {
    const before = await mapsOpen();
    const fd = os.memoryCreate("lab", page);
    const memory = os.memoryMap(fd, 0, page, true);
    os.descriptorClose(fd);
    const view = Buffer.from(memory);
    equal(await mapsOpen(), before + 1);
    os.memoryLetGo(memory);
    equal(view.length, 0);
    equal(memory.byteLength, 0);
    os.memoryLetGo(memory); // twice is once
    equal(await mapsOpen(), before);
  });

  test("that is sealed changes neither its size nor its seals", () => {
    const fd = os.memoryCreate("lab", 2 * page);
    const all = os.sealShrink | os.sealGrow | os.sealSeal;
    equal(os.memorySeals(fd) & (all | os.sealWrite), 0);
    os.memorySeal(fd, all);
    equal(os.memorySeals(fd) & (all | os.sealWrite), all);
    throws(() => ftruncateSync(fd, page), { code: "EPERM" });
    throws(() => ftruncateSync(fd, 3 * page), { code: "EPERM" });
    throws(() => os.memorySeal(fd, os.sealWrite), { code: "EPERM", syscall: "fcntl" });
    os.descriptorClose(fd);
  });

  test("that is sealed against future writing is written by the map from before and by nobody else", async () => {
    const fd = os.memoryCreate("lab", page);
    const own = new Uint8Array(os.memoryMap(fd, 0, page, true));
    os.memorySeal(fd, os.sealFutureWrite | os.sealShrink | os.sealGrow | os.sealSeal);
    throws(() => os.memoryMap(fd, 0, page, true), { code: "EPERM", syscall: "mmap" });
    throws(() => writeSync(fd, "x"), { code: "EPERM" });
    own[0] = 7;
    const { stdout, stderr } = await program(
      `let refused = "";
       try { os.memoryMap(3, 0, ${page}, true); } catch (error) { refused = error.code; }
       console.log(new Uint8Array(os.memoryMap(3, 0, ${page}, false))[0], refused);`,
      { fd3: fd },
    );
    equal(stdout, "7 EPERM\n", stderr);
    os.memoryLetGo(own.buffer);
    os.descriptorClose(fd);
  });

  test("that is sealed against writing is immutable, and cannot be sealed while somebody may write", () => {
    const fd = os.memoryCreate("lab", page);
    writeSync(fd, "text");
    const writable = os.memoryMap(fd, 0, page, true);
    throws(() => os.memorySeal(fd, os.sealWrite), { code: "EBUSY" });
    os.memoryLetGo(writable);
    os.descriptorClose(fd);
    const other = os.memoryCreate("lab", page);
    writeSync(other, "text");
    os.memorySeal(other, os.sealWrite);
    throws(() => writeSync(other, "else"), { code: "EPERM" });
    equal(Buffer.from(os.memoryMap(other, 0, page, false)).toString("latin1", 0, 4), "text");
    os.descriptorClose(other);
  });

  test("that is mapped for reading ends whoever writes it", async () => {
    const { code, signal, stdout } = await program(`
      const fd = os.memoryCreate("lab", ${page});
      console.log("mapped");
      new Uint8Array(os.memoryMap(fd, 0, ${page}, false))[0] = 1;
      console.log("written");`);
    equal(stdout, "mapped\n");
    // Sanitizers catch the signal and say so.
    equal(signal === "SIGSEGV" || code !== 0, true);
  });

  test("that cannot be had is an error, and no signal", async () => {
    // Under that limit an addon that tries it is ended, and has not taken the memory of the machine before.
    const { stdout, stderr } = await program(
      `for (const bytes of [2 ** 52, 1 << 20])
         try { os.memoryCreate("lab", bytes); } catch (error) { console.log(error.code, error.syscall); }`,
      { under: "ulimit -f 8" },
    );
    equal(stdout, "ENOMEM memfd_create\nEFBIG memfd_create\n", stderr);
  });

  test("beyond the end of a file is not mapped", (t) => {
    const folder = mkdtempSync(join(tmpdir(), "trunkline-"));
    t.after(() => rmSync(folder, { recursive: true }));
    const fd = openSync(join(folder, "file"), "w+");
    ftruncateSync(fd, page);
    equal(os.memoryBytes(fd), page);
    equal(os.memorySeals(fd), errno.EINVAL, "a file has no seals");
    for (const [offset, bytes] of [
      [0, page + 1],
      [page, page],
      [2 ** 53, 2 ** 53],
    ] as const)
      throws(() => os.memoryMap(fd, offset, bytes, false), { code: "ENXIO" });
    throws(() => os.memoryMap(fd, 1, 1, false), { code: "EINVAL" }, "where no page begins");
    throws(() => os.memoryMap(fd, 0, 0, false), { code: "EINVAL" }, "no bytes");
    closeSync(fd);
  });

  test("can be had as a copy with memory of one's own ahead, which may be written and changes nothing", () => {
    const fd = os.memoryCreate("lab", 2 * page);
    writeSync(fd, "said", page);
    os.memorySeal(fd, os.sealWrite | os.sealShrink | os.sealGrow);
    const copy = Buffer.from(os.memoryCopy(fd, page, page, page));
    equal(copy.length, 2 * page);
    equal(copy.toString("latin1", page, page + 4), "said");
    copy.write("ahead", 0);
    copy.write("mine", page);
    equal(copy.toString("latin1", page, page + 4), "mine");
    const file = Buffer.from(os.memoryMap(fd, page, page, false));
    equal(file.toString("latin1", 0, 4), "said");
    for (const { buffer } of [copy, file]) os.memoryLetGo(buffer);
    throws(() => os.memoryCopy(fd, page, page + 1, page), { code: "ENXIO" }, "beyond the end");
    throws(() => os.memoryCopy(fd, 1, page, page), { code: "EINVAL" }, "where no page begins");
    os.descriptorClose(fd);
    throws(() => os.memoryCopy(fd, 0, page, page), { code: "EBADF" });
  });

  test("of several MiB is as it is with small pages, and in huge ones where there are any", async () => {
    const before = await mapsOpen();
    const bytes = 5 * 1024 * 1024 + 3;
    const fd = os.memoryCreate("lab", bytes);
    equal(os.memoryBytes(fd), bytes);
    const memory = Buffer.from(os.memoryMap(fd, 0, bytes, true));
    equal(memory.equals(Buffer.alloc(bytes)), true);
    memory[0] = 1;
    memory[bytes - 1] = 2;
    const copy = Buffer.from(os.memoryCopy(fd, 16 * page, bytes - 16 * page, page));
    equal(copy.length, page + bytes - 16 * page);
    equal(copy.at(-1), 2);
    equal(await mapsOpen(), before + 2);
    // Two that are whole, and what is behind them in small ones.
    equal(hugeBytes(), os.memoryHuge() === 0 ? 4 * 1024 * 1024 : 0);
    for (const { buffer } of [memory, copy]) os.memoryLetGo(buffer);
    os.descriptorClose(fd);
    equal(await mapsOpen(), before);
  });

  test("has room kept for it, where it stands like a copy once it was moved there", async () => {
    const before = await mapsOpen();
    const fd = os.memoryCreate("lab", 2 * page);
    writeSync(fd, "said", page);
    const room = os.memoryRoom(2 * page, page);
    equal(await mapsOpen(), before);
    os.memoryMove(fd, page, room, page);
    const copy = Buffer.from(room);
    equal(copy.toString("latin1", page, page + 4), "said");
    copy.write("ahead", 0);
    copy.write("mine", page);
    const file = Buffer.from(os.memoryMap(fd, page, page, false));
    equal(file.toString("latin1", 0, 4), "said");
    const large = os.memoryRoom(2 * page + 1, 0);
    throws(() => os.memoryMove(fd, 0, large, 0), { code: "ENXIO" }, "beyond the end");
    throws(() => os.memoryMove(fd, 1, large, page), { code: "EINVAL" }, "where no page begins");
    throws(() => os.memoryMove(fd, 0, large, 3 * page), { code: "EINVAL" }, "behind the room");
    throws(() => os.memoryMove(fd, 0, new ArrayBuffer(page), 0), TypeError, "no room of ours");
    throws(() => os.memoryRoom(0, 0), { code: "EINVAL" });
    for (const { buffer } of [copy, file]) os.memoryLetGo(buffer);
    throws(() => os.memoryMove(fd, 0, room, 0), { code: "EINVAL" }, "let go of");
    os.descriptorClose(fd);
    equal(await mapsOpen(), before);
  });

  test("that is taken back is mapped by nobody from that moment on", async () => {
    const fd = os.memoryCreate("lab", page);
    const before = await mapsOpen();
    const memory = os.memoryMap(fd, 0, page, true);
    os.memoryTakeBack(memory);
    equal(memory.byteLength, 0);
    os.memorySeal(fd, os.sealWrite); // which nobody may who has a map to write by
    os.memoryTakeBack(memory); // twice is once
    equal(await mapsOpen(), before);
    os.descriptorClose(fd);
  });

  test("of JavaScript's own is neither let go of nor taken back", () => {
    for (const memory of [
      new ArrayBuffer(16 * page),
      Buffer.alloc(1),
      {},
      undefined,
      1,
    ] as ArrayBuffer[]) {
      throws(() => os.memoryTakeBack(memory), TypeError);
      throws(() => os.memoryLetGo(memory), TypeError);
    }
  });

  test("is asked of what is none", () => {
    const [socket, other] = os.socketPair(os.stream);
    equal(os.memoryBytes(socket), errno.EINVAL);
    equal(os.memorySeals(socket), errno.EINVAL);
    throws(() => os.memoryMap(socket, 0, page, false), { code: "EINVAL" });
    for (const fd of [socket, other]) os.descriptorClose(fd);
    equal(os.memoryBytes(socket), errno.EBADF);
    equal(os.memorySeals(socket), errno.EBADF);
    equal(os.memoryBytes(-1), errno.EBADF);
    throws(() => os.memorySeal(socket, 0), { code: "EBADF", errno: errno.EBADF });
    throws(() => os.memoryCreate("with\0zero", 1), TypeError);
    throws(() => os.memoryCreate("x".repeat(64), 1), TypeError);
    for (const bytes of [-1, 1.5, Number.NaN, Infinity, 2 ** 54, "1", undefined, 1n])
      throws(() => os.memoryCreate("lab", bytes as number), TypeError, String(bytes));
  });

  test("made, mapped and let go of 10,000 times leaves nothing behind", async () => {
    const [descriptors, maps] = [openDescriptors(), await mapsOpen()];
    for (let round = 0; round < 10_000; round++) {
      const fd = os.memoryCreate("lab", page);
      const memory = os.memoryMap(fd, 0, page, true);
      os.descriptorClose(fd);
      os.memoryLetGo(memory);
      // Maps go in the next turn of the event loop, and the system has a bound for them.
      if (round % 1_000 === 0) equal(await mapsOpen(), maps);
    }
    equal(await mapsOpen(), maps);
    equal(openDescriptors(), descriptors);
  });
});

/** How much of memory of the name "lab" is mapped in huge pages. */
function hugeBytes(): number {
  const maps = readFileSync("/proc/self/smaps", "utf8").split(/^(?=[\da-f]+-)/m);
  const kibibytes = maps
    .filter((map) => map.includes("memfd:lab"))
    .map((map) => Number(/^ShmemPmdMapped: +(\d+)/m.exec(map)?.[1] ?? 0));
  return 1024 * kibibytes.reduce((sum, each) => sum + each, 0);
}
