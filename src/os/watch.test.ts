import { deepEqual, equal, match, throws } from "node:assert/strict";
import { setImmediate as turn } from "node:timers/promises";
import { suite, test } from "node:test";

import type { Watch } from "./addon.ts";
import { errno, noAddon, openDescriptors, os, program, until } from "./testing/lab.ts";

suite("watches", { skip: noAddon }, () => {
  test("a watched bell calls once for all rings before, and again for one after", async () => {
    const bell = os.bellCreate();
    const heard: number[] = [];
    const watch = os.watchStart(bell, os.readable, true, (events) => heard.push(events));
    for (let ring = 0; ring < 3; ring++) os.bellRing(bell);
    await until(() => heard.length > 0);
    await turn();
    deepEqual(heard, [os.readable]);
    os.bellRing(bell);
    await until(() => heard.length > 1);
    os.watchStop(watch);
    os.descriptorClose(bell);
  });

  test("what is not a counter calls until it is read", async () => {
    const [one, two] = os.socketPair(os.stream);
    let calls = 0;
    const watch = os.watchStart(one, os.readable, false, () => calls++);
    os.socketSend(two, Buffer.of(1), 0, 1, [], "");
    await until(() => calls > 2);
    os.socketReceive(one, Buffer.alloc(1), 0, 1, []);
    await turn();
    const before = calls;
    await turn();
    equal(calls, before);
    os.watchStop(watch);
    for (const fd of [one, two]) os.descriptorClose(fd);
  });

  test("events can be chosen anew, and none is none", async () => {
    const [one, two] = os.socketPair(os.stream);
    const heard: number[] = [];
    const watch = os.watchStart(one, 0, false, (events) => heard.push(events));
    os.socketSend(two, Buffer.of(1), 0, 1, [], "");
    await turn();
    await turn();
    deepEqual(heard, []);
    os.watchEvents(watch, os.readable | os.writable);
    await until(() => heard.length > 0);
    equal(heard[0], os.readable | os.writable);
    os.watchEvents(watch, os.writable);
    heard.length = 0;
    await until(() => heard.length > 0);
    equal(heard[0], os.writable);
    os.watchStop(watch);
    for (const fd of [one, two]) os.descriptorClose(fd);
  });

  test("a watch that is stopped calls no more, not even for what was ready before", async () => {
    const bells = [os.bellCreate(), os.bellCreate()];
    const heard: number[] = [];
    // Both are ready in the same turn, and whichever comes first stops both.
    const watches: Watch[] = bells.map((bell) =>
      os.watchStart(bell, os.readable, true, () => {
        heard.push(bell);
        for (const watch of watches) os.watchStop(watch);
      }),
    );
    for (const bell of bells) os.bellRing(bell);
    await until(() => heard.length > 0);
    await turn();
    equal(heard.length, 1);
    for (const watch of watches) os.watchStop(watch); // twice is once
    os.watchEvents(watches[0]!, os.readable); // and what was stopped stays so
    os.watchHold(watches[0]!, true);
    for (const bell of bells) os.descriptorClose(bell);
  });

  test("a descriptor is watched once, its copy is another one, and after the stop it can be watched again", () => {
    const bell = os.bellCreate();
    const copy = os.descriptorCopy(bell);
    const watch = os.watchStart(bell, os.readable, true, () => {});
    throws(() => os.watchStart(bell, os.readable, true, () => {}), { code: "EEXIST" });
    const other = os.watchStart(copy, os.readable, true, () => {});
    os.watchStop(watch);
    const again = os.watchStart(bell, os.readable, true, () => {});
    for (const each of [other, again]) os.watchStop(each);
    for (const fd of [bell, copy]) os.descriptorClose(fd);
  });

  test("what blocks and has nothing to read does not stop whoever takes it for a bell", async () => {
    // So would a counter that its other owner has made blocking, and has emptied.
    const { stdout, stderr } = await program(
      `let calls = 0;
       const watch = os.watchStart(0, os.writable, true, () => { calls++; os.watchStop(watch); console.log(calls); });`,
    );
    equal(stdout, "1\n", stderr);
  });

  test("an exception in a callback is the process's, and the watch goes on", async () => {
    const { stdout, code } = await program(
      `const bell = os.bellCreate();
       let calls = 0;
       process.on("uncaughtException", (error) => console.log("caught", error.message));
       const watch = os.watchStart(bell, os.readable, true, () => {
         calls++;
         if (calls === 1) { os.bellRing(bell); throw new Error("mine"); }
         console.log("called again");
         os.watchStop(watch);
         throw new Error("mine after the stop");
       });
       os.bellRing(bell);`,
    );
    equal(stdout, "caught mine\ncalled again\ncaught mine after the stop\n");
    equal(code, 0);
    const uncaught = await program(
      `const bell = os.bellCreate();
       os.watchStart(bell, os.readable, true, () => { throw new Error("nobody's"); });
       os.bellRing(bell);`,
    );
    match(uncaught.stderr, /Error: nobody's/);
    equal(uncaught.code, 1);
  });

  test("promises and ticks of a callback run before the next one", async () => {
    const [bell, other] = [os.bellCreate(), os.bellCreate()];
    const order: string[] = [];
    const watches = [bell, other].map((fd, index) =>
      os.watchStart(fd, os.readable, true, () => {
        order.push(`call ${index}`);
        void Promise.resolve().then(() => order.push(`promise ${index}`));
      }),
    );
    for (const fd of [bell, other]) os.bellRing(fd);
    await until(() => order.length === 4);
    match(order.join(), /^call (\d),promise \1,call (\d),promise \2$/);
    for (const watch of watches) os.watchStop(watch);
    for (const fd of [bell, other]) os.descriptorClose(fd);
  });

  test("a process goes on for a watch that holds it, and for no other", async () => {
    const held = await program(
      `const bell = os.bellCreate();
       const watch = os.watchStart(bell, os.readable, true, () => { console.log("rung"); os.watchStop(watch); });
       os.watchHold(watch, false);
       os.watchHold(watch, true);
       setTimeout(() => os.bellRing(bell), 50).unref();`,
    );
    equal(held.stdout, "rung\n");
    const free = await program(
      `os.watchHold(os.watchStart(os.bellCreate(), os.readable, true, () => {}), false);`,
    );
    equal(free.code, 0, free.stderr);
  });

  test("a process ends in the midst of watches, stopped or not", async () => {
    const { code, stderr } = await program(
      `const bells = [os.bellCreate(), os.bellCreate(), os.bellCreate()];
       const watches = bells.map((bell) => os.watchStart(bell, os.readable, true, () => {
         os.watchStop(watches[0]);
         os.watchStop(watches[1]);
         process.exit(7);
       }));
       for (const bell of bells) os.bellRing(bell);`,
    );
    equal(code, 7, stderr);
  });

  test("a watch that nobody refers to any more goes on", async () => {
    const { stdout, stderr } = await program(
      `const bell = os.bellCreate();
       (() => { os.watchStart(bell, os.readable, true, () => { console.log("rung"); process.exit(); }); })();
       gc();
       setImmediate(() => { gc(); os.bellRing(bell); });`,
      { flags: ["--expose-gc"] },
    );
    equal(stdout, "rung\n", stderr);
  });

  test("the end of the other side is told", async () => {
    const [one, two] = os.socketPair(os.stream);
    const heard: number[] = [];
    const watch = os.watchStart(one, os.readable, false, (events) => heard.push(events));
    os.descriptorClose(two);
    await until(() => heard.length > 0);
    equal(heard[0]! & os.readable, os.readable);
    equal(os.socketReceive(one, Buffer.alloc(1), 0, 1, []), 0);
    os.watchStop(watch);
    os.descriptorClose(one);
  });

  test("what cannot be watched is refused", () => {
    const bell = os.bellCreate();
    const file = os.memoryCreate("lab", 4096);
    const before = openDescriptors();
    throws(() => os.watchStart(-1, os.readable, false, () => {}), { code: "EBADF" });
    throws(() => os.watchStart(987_654, os.readable, false, () => {}), {
      code: "EBADF",
      errno: errno.EBADF,
    });
    throws(() => os.watchStart(file, os.readable, false, () => {}), { code: "EPERM" });
    for (const events of [4, 8, -1]) {
      throws(() => os.watchStart(bell, events, false, () => {}), RangeError);
    }
    throws(() => os.watchStart(bell, "1" as never, false, () => {}), TypeError);
    throws(() => os.watchStart(bell, 1, 1 as never, () => {}), TypeError);
    throws(() => os.watchStart(bell, 1, true, {} as never), TypeError);
    const watch = os.watchStart(bell, os.readable, true, () => {});
    throws(() => os.watchEvents(watch, 4), RangeError);
    throws(() => os.watchHold(watch, 1 as never), TypeError);
    os.watchStop(watch);
    for (const act of [os.watchStop, os.watchHold, os.watchEvents])
      throws(() => act({} as Watch, 1 as never), TypeError);
    equal(openDescriptors(), before);
    for (const fd of [bell, file]) os.descriptorClose(fd);
  });

  test("started and stopped 10,000 times leave nothing behind", async () => {
    const before = openDescriptors();
    const bell = os.bellCreate();
    for (let round = 0; round < 10_000; round++) {
      os.watchStop(os.watchStart(bell, os.readable, true, () => {}));
      if (round % 1_000 === 0) await turn();
    }
    os.descriptorClose(bell);
    equal(openDescriptors(), before);
  });
});
