import { deepEqual, equal, throws } from "node:assert/strict";
import { readFileSync } from "node:fs";
import { suite, test, type TestContext } from "node:test";

import { errno, noAddon, openDescriptors, os, program, until } from "./testing/lab.ts";

let names = 0;

function name(t: TestContext): string {
  const own = `/trunkline-lab-${process.pid}-${++names}`;
  t.after(() => os.queueRemove(own));
  return own;
}

function send(fd: number, text: string, priority = 0): number {
  const bytes = Buffer.from(text);
  return os.queueSend(fd, bytes, 0, bytes.length, priority);
}

function receive(fd: number, room = 32): string | number {
  const bytes = Buffer.alloc(room);
  const count = os.queueReceive(fd, bytes, 0, room);
  return count < 0 ? count : bytes.toString("latin1", 0, count);
}

function refusal(): string | false {
  if (noAddon !== false) return noAddon;
  const own = `/trunkline-lab-${process.pid}`;
  try {
    os.descriptorClose(os.queueOpen(own, 2, true, 0o600, 1, 8));
    os.queueRemove(own);
    return false;
  } catch (error) {
    return `this system gives no message queue: ${String(error)}`;
  }
}

suite("message queues", { skip: refusal() }, () => {
  test("messages come whole, by priority, and in order within one", (t) => {
    const fd = os.queueOpen(name(t), 2, true, 0o600, 8, 32);
    for (const [text, priority] of [
      ["a", 0],
      ["b", 5],
      ["c", 0],
      ["d", 5],
      ["e", 32_767],
      ["", 1],
    ] as const)
      equal(send(fd, text, priority), 0);
    deepEqual(os.queueAbout(fd), { messagesMax: 8, bytesMax: 32, messages: 6 });
    deepEqual(
      Array.from({ length: 6 }, () => receive(fd)),
      ["e", "b", "d", "", "a", "c"],
    );
    equal(receive(fd), errno.EAGAIN);
    equal(send(fd, "x", 32_768), errno.EINVAL);
    equal(send(fd, "x", -1), errno.EINVAL);
    os.descriptorClose(fd);
  });

  test("a full queue, a message that is too long and a room that is too small are told", (t) => {
    const fd = os.queueOpen(name(t), 2, true, 0o600, 2, 32);
    equal(send(fd, "x".repeat(33)), errno.EMSGSIZE);
    equal(send(fd, "one"), 0);
    equal(send(fd, "two"), 0);
    equal(send(fd, "three"), errno.EAGAIN);
    equal(receive(fd, 31), errno.EMSGSIZE);
    equal(receive(fd), "one");
    os.descriptorClose(fd);
  });

  test("a queue is reached by its name from another process, outlives its openings, and ends with its name", async (t) => {
    const own = name(t);
    const fd = os.queueOpen(own, 0, true, 0o600, 4, 32);
    throws(() => os.queueOpen(own, 2, true, 0o600, 4, 32), { code: "EEXIST", syscall: "mq_open" });
    equal(send(fd, "x"), errno.EBADF, "it was opened for reading");
    const { stdout, stderr } = await program(
      `const fd = os.queueOpen(${JSON.stringify(own)}, 1, false, 0, 0, 0);
       console.log(os.queueSend(fd, Buffer.from("from there"), 0, 10, 0));
       console.log(os.queueReceive(fd, Buffer.alloc(32), 0, 32));`,
    );
    equal(stdout, `0\n${errno.EBADF}\n`, stderr);
    os.descriptorClose(fd);
    const again = os.queueOpen(own, 2, false, 0, 0, 0);
    equal(receive(again), "from there");
    equal(send(again, "still"), 0);
    equal(os.queueRemove(own), 0);
    equal(send(again, "nowhere"), errno.ENOENT, "nobody could come to receive it");
    equal(receive(again), "still", "as files, it lives as long as somebody has it open");
    equal(receive(again), errno.EAGAIN);
    os.descriptorClose(again);
    throws(() => os.queueOpen(own, 2, false, 0, 0, 0), { code: "ENOENT" });
    equal(os.queueRemove(own), errno.ENOENT);
  });

  test("a queue can be watched", async (t) => {
    const fd = os.queueOpen(name(t), 2, true, 0o600, 4, 32);
    const heard: (string | number)[] = [];
    const watch = os.watchStart(fd, os.readable, false, () => heard.push(receive(fd)));
    send(fd, "ping");
    await until(() => heard.length > 0);
    deepEqual(heard, ["ping"]);
    os.watchStop(watch);
    os.descriptorClose(fd);
  });

  test("bounds beyond those of the system are refused to who is not privileged, and to all beyond its own", (t) => {
    const own = name(t);
    throws(() => os.queueOpen(own, 2, true, 0o600, 0, 32), { code: "EINVAL" });
    throws(() => os.queueOpen(own, 2, true, 0o600, 4, -1), { code: "EINVAL" });
    throws(() => os.queueOpen(own, 2, true, 0o600, 2 ** 30, 2 ** 24), { code: "EINVAL" });
    const most = Number(readFileSync("/proc/sys/fs/mqueue/msg_max", "utf8"));
    if (process.getuid!() !== 0)
      throws(() => os.queueOpen(own, 2, true, 0o600, most + 1, 32), { code: "EINVAL" });
  });

  test("what is no name, no queue, no access and no mode is refused", (t) => {
    const own = name(t);
    throws(() => os.queueOpen("no-slash", 2, true, 0o600, 4, 32), { code: "EINVAL" });
    throws(() => os.queueOpen("/two/parts", 2, true, 0o600, 4, 32), { code: "EACCES" });
    throws(() => os.queueOpen("/", 2, true, 0o600, 4, 32), { code: "ENOENT" });
    throws(() => os.queueOpen(`/${"x".repeat(256)}`, 2, true, 0o600, 4, 32), TypeError);
    throws(() => os.queueOpen(own, 3 as never, true, 0o600, 4, 32), RangeError);
    throws(() => os.queueOpen(own, 2, true, 0o1000, 4, 32), RangeError);
    throws(() => os.queueOpen(own, 2, "yes" as never, 0o600, 4, 32), TypeError);
    throws(() => os.queueOpen(own, 2, true, 0o600, 1.5, 32), TypeError);
    throws(() => os.queueRemove("no-slash"), { code: "EINVAL" });
    const bell = os.bellCreate();
    equal(send(bell, "x"), errno.EBADF);
    equal(receive(bell), errno.EBADF);
    throws(() => os.queueAbout(bell), { code: "EBADF", errno: errno.EBADF });
    throws(() => os.queueSend(bell, Buffer.alloc(1), 0, 2, 0), RangeError);
    throws(() => os.queueReceive(bell, Buffer.alloc(1), 1, 0), RangeError);
    os.descriptorClose(bell);
    equal(send(bell, "x"), errno.EBADF);
  });

  test("opened and closed 10,000 times leave nothing behind", (t) => {
    const own = name(t);
    os.descriptorClose(os.queueOpen(own, 2, true, 0o600, 1, 8));
    const before = openDescriptors();
    for (let round = 0; round < 10_000; round++) {
      const fd = os.queueOpen(own, 2, false, 0, 0, 0);
      send(fd, "x");
      receive(fd);
      os.descriptorClose(fd);
    }
    equal(openDescriptors(), before);
  });
});
