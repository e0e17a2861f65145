import { deepEqual, equal, throws } from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readSync } from "node:fs";
import { constants, userInfo } from "node:os";
import { suite, test } from "node:test";

import { errno, noAddon, openDescriptors, os, program, until } from "./testing/lab.ts";

/** What a descriptor of `signalHear` gives: all that is there. */
function heard(fd: number): { signal: number; value: number; pid: number; uid: number }[] {
  const bytes = Buffer.alloc(16 * 4096);
  let count = 0;
  try {
    count = readSync(fd, bytes);
  } catch (error) {
    equal((error as NodeJS.ErrnoException).code, "EAGAIN");
  }
  return Array.from({ length: count / 16 }, (_, index) => {
    const [signal, value, pid, uid] = new Int32Array(
      bytes.buffer,
      bytes.byteOffset + 16 * index,
      4,
    );
    return { signal: signal!, value: value!, pid: pid!, uid: uid! };
  });
}

suite("signals", { skip: noAddon }, () => {
  // Each test has a signal of its own: they are the process's.
  const realTime = (index: number): number => os.firstRealTime + index;

  test("a signal comes with its number and its sender", async () => {
    const signal = realTime(2);
    const fd = os.signalHear(signal);
    for (const value of [0, 42, -1, 2 ** 31 - 1, -(2 ** 31)])
      equal(os.signalSend(process.pid, signal, value), 0);
    const got: ReturnType<typeof heard> = [];
    await until(() => got.push(...heard(fd)) === 5);
    const sender = { signal, pid: process.pid, uid: userInfo().uid };
    deepEqual(
      got,
      [0, 42, -1, 2 ** 31 - 1, -(2 ** 31)].map((value) => ({ ...sender, value })),
    );
    os.signalDeafen(signal);
    os.descriptorClose(fd);
  });

  test("one that is sent by kill(2) has the value 0, and a watch hears it", async () => {
    const fd = os.signalHear(constants.signals.SIGUSR2);
    const got: ReturnType<typeof heard> = [];
    const watch = os.watchStart(fd, os.readable, false, () => got.push(...heard(fd)));
    process.kill(process.pid, "SIGUSR2");
    await until(() => got.length > 0);
    deepEqual(got, [
      { signal: constants.signals.SIGUSR2, value: 0, pid: process.pid, uid: userInfo().uid },
    ]);
    os.watchStop(watch);
    os.signalDeafen(constants.signals.SIGUSR2);
    os.descriptorClose(fd);
  });

  test("a burst of real-time signals of another process comes whole, in about its order", async () => {
    const signal = realTime(3);
    const fd = os.signalHear(signal);
    const got: number[] = [];
    const watch = os.watchStart(fd, os.readable, false, () =>
      got.push(...heard(fd).map(({ value }) => value)),
    );
    const burst = 2_000;
    const { stdout, stderr } = await program(
      `let refused = 0;
       for (let value = 0; value < ${burst}; value++) {
         let error;
         do error = os.signalSend(${process.pid}, ${signal}, value); while (error === ${errno.EAGAIN});
         if (error !== 0) refused++;
       }
       console.log(refused);`,
    );
    equal(stdout, "0\n", stderr);
    await until(() => got.length >= burst);
    // Whichever thread is free takes the next one, and one of two may be quicker.
    deepEqual(
      got.toSorted((one, other) => one - other),
      Array.from({ length: burst }, (_, index) => index),
    );
    os.watchStop(watch);
    os.signalDeafen(signal);
    os.descriptorClose(fd);
  });

  test("what nobody reads is lost beyond what a pipe takes, and nothing else happens", () => {
    const signal = realTime(4);
    const fd = os.signalHear(signal);
    for (let value = 0; value < 6_000; value++) os.signalSend(process.pid, signal, value);
    const values: number[] = [];
    for (let more = heard(fd); more.length > 0; more = heard(fd))
      values.push(...more.map(({ value }) => value));
    equal(values.length, 4_096);
    equal(values.at(-1), 4_095);
    os.signalDeafen(signal);
    os.descriptorClose(fd);
  });

  test("a signal is heard once in a process, and after the end again", () => {
    const signal = realTime(5);
    const fd = os.signalHear(signal);
    throws(() => os.signalHear(signal), { code: "EBUSY", syscall: "sigaction" });
    os.signalDeafen(signal);
    os.signalDeafen(signal); // twice is once
    equal(readSync(fd, Buffer.alloc(16)), 0, "its other end is closed");
    os.descriptorClose(fd);
    const again = os.signalHear(signal);
    os.signalDeafen(signal);
    os.descriptorClose(again);
  });

  test("after the end a signal does what it did before", async () => {
    const ends = await program(
      `os.signalHear(os.firstRealTime);
       os.signalDeafen(os.firstRealTime);
       console.log("deaf");
       os.signalSend(process.pid, os.firstRealTime, 1);
       console.log("alive");`,
    );
    equal(ends.stdout, "deaf\n", "it ends the process");
    const nodes = await program(
      `process.on("SIGUSR2", () => { console.log("Node's"); process.exit(); });
       os.signalHear(12);
       os.signalDeafen(12);
       os.signalSend(process.pid, 12, 1);
       setTimeout(() => {}, 10_000);`,
    );
    equal(nodes.stdout, "Node's\n", nodes.stderr);
  });

  test("a handler that Node has put there meanwhile stays", async () => {
    const { stdout, stderr } = await program(
      `os.signalHear(12);
       process.on("SIGUSR2", () => { console.log("Node's"); process.exit(); });
       os.signalDeafen(12);
       process.kill(process.pid, 12);
       setTimeout(() => {}, 10_000);`,
    );
    equal(stdout, "Node's\n", stderr);
  });

  test("nobody is told apart from one who may not be told, and 0 only asks", async () => {
    equal(os.signalSend(process.pid, 0, 0), 0);
    const child = spawn(process.execPath, ["--eval", ""]);
    await once(child, "exit");
    equal(os.signalSend(child.pid!, 0, 0), errno.ESRCH);
    equal(os.signalSend(-1, 0, 0) < 0, true, "never to many at once");
    equal(os.signalSend(process.pid, 65, 0), errno.EINVAL);
    equal(os.signalSend(process.pid, -1, 0), errno.EINVAL);
    for (const wrong of ["1", undefined, 1.5, Number.NaN])
      throws(() => os.signalSend(process.pid, 0, wrong as number), TypeError);
  });

  test("signals by which the system and Node live are not heard", () => {
    const { SIGABRT, SIGBUS, SIGCHLD, SIGFPE, SIGILL, SIGPROF } = constants.signals;
    const { SIGSEGV, SIGSYS, SIGTRAP, SIGKILL, SIGSTOP } = constants.signals;
    const kept = [SIGABRT, SIGBUS, SIGCHLD, SIGFPE, SIGILL, SIGPROF, SIGSEGV, SIGSYS, SIGTRAP];
    const before = openDescriptors();
    for (const signal of [...kept, SIGKILL, SIGSTOP, 0, -1, 65, 1_000]) {
      throws(() => os.signalHear(signal), { code: "EINVAL", syscall: "sigaction" });
      os.signalDeafen(signal);
    }
    throws(() => os.signalHear("10" as never), TypeError);
    equal(openDescriptors(), before);
  });

  test("heard and not any more 10,000 times, under signals all the while, leaves nothing behind", async () => {
    const signal = realTime(6);
    const before = openDescriptors();
    for (let round = 0; round < 10_000; round++) {
      const fd = os.signalHear(signal);
      if (round % 10 === 0) os.signalSend(process.pid, signal, round);
      os.signalDeafen(signal);
      os.descriptorClose(fd);
    }
    equal(openDescriptors(), before);
  });
});
