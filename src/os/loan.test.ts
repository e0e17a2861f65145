import { deepEqual, equal, match, throws } from "node:assert/strict";
import { spawn } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { suite, test } from "node:test";

import { given } from "../base/given.ts";
import { addon, addonProblem } from "./addon.ts";
import { Borrowing } from "./borrowing.ts";
import { loan, loanBytesMax, loanOf, seal } from "./loan.ts";

test("a page is zero, is filled, and is empty once it was sealed; what it held is in what is returned", () => {
  const page = loan(100_000);
  equal(page.length, 100_000);
  equal(
    page.every((byte) => byte === 0),
    true,
  );
  page.fill(7);
  const sealed = seal(page);
  equal(page.length, 0);
  equal(sealed.length, 100_000);
  equal(
    sealed.every((byte) => byte === 7),
    true,
  );
});

test("sealing again, and sealing what is sealed, return the same", () => {
  const page = loan(1);
  const sealed = seal(page);
  equal(seal(page), sealed);
  equal(seal(sealed), sealed);
  const ordinary = Buffer.alloc(100_000);
  equal(seal(ordinary), ordinary);
});

test("who sends a page sends what was sealed of it", () => {
  const page = loan(70_000);
  page.fill(1);
  const sent = given(page);
  equal(sent.length, 70_000);
  equal(page.length, 0);
  equal(given(page), sent);
});

test("a loan of no size, or of one that is too large, is refused", () => {
  for (const bytes of [0, -1, 1.5, NaN, loanBytesMax + 1])
    throws(() => loan(bytes), { code: "INVALID_ARGUMENT", executed: "no" });
});

suite("pages that processes share", { skip: addonProblem() ?? false }, () => {
  const os = addon()!;

  test("where no more files may be opened a loan is ordinary memory", (t) => {
    t.mock.method(os, "memoryCreate", () => {
      throw Object.assign(new Error("memfd_create EMFILE"), { code: "EMFILE" });
    });
    const page = loan(70_000).fill(7);
    const sealed = seal(page);
    equal(page.length, 0);
    equal(sealed.at(-1), 7);
    equal(loanOf(sealed), undefined);
  });

  test("writing what was sealed changes nothing for others", () => {
    const page = loan(70_000);
    page.fill(5);
    const sealed = seal(page);
    const { fd, offset } = loanOf(sealed)!;
    sealed[0] = 9;
    const others = new Borrowing(os).take({ fd, offset, bytes: sealed.length }, Buffer.of(1));
    others[2] = 8;
    deepEqual([...others.subarray(0, 4)], [1, 5, 8, 5]);
    deepEqual([...sealed.subarray(0, 3)], [9, 5, 5]);
  });

  test("a part of it starts where it starts, behind a head of any length", () => {
    const page = loan(300_000);
    for (let at = 0; at < page.length; at += 4) page.writeUInt32LE(at, at);
    const sealed = seal(page);
    for (const from of [0, 4, 65_532, 65_536, 65_540, 200_000]) {
      const part = sealed.subarray(from, from + 80_000);
      const { fd, offset } = loanOf(part)!;
      for (const headBytes of [0, 1, 65_535, 65_536, 65_537]) {
        const head = Buffer.alloc(headBytes, 0xee);
        const whole = new Borrowing(os).take({ fd, offset, bytes: part.length }, head);
        equal(whole.length, headBytes + part.length);
        equal(whole.subarray(0, headBytes).equals(head), true);
        equal(whole.subarray(headBytes).equals(part), true);
      }
    }
  });

  test("what is not sealed, not as long as is told, or no memory at all is refused", () => {
    const borrowing = new Borrowing(os);
    const fd = os.memoryCreate("test", 10_000);
    const [end, other] = os.socketPair(os.stream);
    try {
      equal(borrowing.fault({ fd, offset: 0, bytes: 10_000 }), "its memory is not sealed");
      os.memorySeal(fd, os.sealSeal | os.sealShrink | os.sealGrow | os.sealFutureWrite);
      equal(borrowing.fault({ fd, offset: 0, bytes: 10_000 }), "its memory is not sealed");
      equal(borrowing.fault({ fd: end, offset: 0, bytes: 1 }), "its memory is not sealed");
      const { fd: good } = loanOf(seal(loan(70_000)))!;
      equal(borrowing.fault({ fd: good, offset: 0, bytes: 70_000 }), undefined);
      for (const [offset, bytes] of [
        [1, 70_000],
        [0, 70_001],
        [0, 0],
        [-1, 5],
        [NaN, 5],
        [0, NaN],
        [1e300, 1],
      ] as const)
        equal(typeof borrowing.fault({ fd: good, offset, bytes }), "string");
    } finally {
      for (const each of [fd, end, other]) os.descriptorClose(each);
    }
  });

  // Where there are none, whoever looks at such a page is ended by the system.
  test("huge pages are not taken", async (t) => {
    const program = `
import fcntl, os, sys
fd = os.memfd_create("huge", os.MFD_HUGETLB | os.MFD_ALLOW_SEALING)
os.ftruncate(fd, 2 << 20)
fcntl.fcntl(fd, 1033, ${os.sealSeal | os.sealShrink | os.sealGrow | os.sealWrite})
print(f"/proc/{os.getpid()}/fd/{fd}", flush=True)
sys.stdin.read()`;
    const child = spawn("python3", ["-S", "-c", program], { stdio: ["pipe", "pipe", "ignore"] });
    t.after(() => child.kill("SIGKILL"));
    child.on("error", () => {});
    const path = (await child.stdout.setEncoding("utf8").take(1).toArray())[0] as
      | string
      | undefined;
    if (path === undefined) return t.skip("python3 is not installed, or there are none");
    const fd = openSync(path.trim(), "r");
    try {
      const fault = new Borrowing(os).fault({ fd, offset: 0, bytes: 2 << 20 });
      match(fault ?? "", /its memory has -22 bytes/);
      throws(() => os.memoryMap(fd, 0, 2 << 20, false), { code: "EINVAL" });
    } finally {
      closeSync(fd);
    }
  });

  test("larger ones stand in huge pages as in small ones, whole and in parts", () => {
    const page = loan(5 * 1024 * 1024 + 12);
    for (let at = 0; at < page.length; at += 4) page.writeUInt32LE(at, at);
    const filled = Buffer.from(page);
    const sealed = seal(page);
    equal(filled.equals(sealed), true);
    for (const [from, to] of [
      [0, sealed.length],
      [2_097_152, sealed.length],
      [1_234_564, 4_567_890],
    ] as const) {
      const { fd, offset } = loanOf(sealed.subarray(from))!;
      const taken = new Borrowing(os).take({ fd, offset, bytes: to - from }, Buffer.of(1, 2));
      equal(taken.subarray(2).equals(filled.subarray(from, to)), true);
    }
  });

  test("one that is as large as the two before stands in room that was made for it, and is like all others", (t) => {
    const borrowing = new Borrowing(os);
    const sealed = seal(loan(3 * 1024 * 1024).fill(1));
    const { fd } = loanOf(sealed)!;
    const [all, less, few] = [sealed.length, sealed.length - 1, 70_000];
    const made = t.mock.method(os, "memoryRoom");
    let rooms = 0;
    for (const [bytes, makes] of [
      ...[
        [few, 0],
        [few, 0],
        [all, 0],
        [all, 1],
        [all, 1],
        [less, 0],
        [all, 0],
        [less, 0],
      ],
      ...[
        [less, 1],
        [few, 0],
        [few, 0],
        [less, 0],
      ],
    ] as const) {
      const whole = borrowing.take({ fd, offset: 0, bytes }, Buffer.of(2));
      deepEqual([whole[0], whole[1], whole.at(-1), whole.length], [2, 1, 1, 1 + bytes]);
      equal(whole.buffer.byteLength, 65_536 + bytes);
      equal(borrowing.unprepared, makes === 1);
      borrowing.prepare();
      equal(made.mock.callCount(), (rooms += makes));
    }
  });

  test("V8 is asked to collect what was lent before nothing more may be mapped", (t) => {
    const press = t.mock.method(os, "memoryPress");
    const borrowing = new Borrowing(os, 200_000);
    const { fd, offset } = loanOf(seal(loan(80_000)))!;
    press.mock.resetCalls();
    const taken = [1, 2].map(() => borrowing.take({ fd, offset, bytes: 80_000 }, Buffer.of(1)));
    equal(taken.length, 2);
    equal(press.mock.callCount(), 1);
  });

  test("beyond what may be mapped at once the bytes are copied", () => {
    const borrowing = new Borrowing(os, 200_000);
    const sealed = seal(loan(80_000));
    sealed.fill(3);
    const { fd, offset } = loanOf(sealed)!;
    const taken = [1, 2, 3].map(() =>
      borrowing.take({ fd, offset, bytes: sealed.length }, Buffer.of(1)),
    );
    // What was copied has no page ahead of it for its head.
    deepEqual(
      taken.map(({ buffer }) => buffer.byteLength),
      [65_536 + 80_000, 65_536 + 80_000, 80_001],
    );
    deepEqual(
      taken.map((each) => each.length),
      [80_001, 80_001, 80_001],
    );
  });
});
