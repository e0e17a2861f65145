import { equal } from "node:assert/strict";
import { once } from "node:events";
import { suite, test } from "node:test";
import { Worker } from "node:worker_threads";

import { mapsOpen, noAddon, openDescriptors, os, until } from "./testing/lab.ts";

const signal = os === undefined ? 0 : os.firstRealTime + 8;

/** Has one of everything, watches it all, and says so. */
const busy = `
  const { parentPort, workerData: { url, signal } } = require("node:worker_threads");
  import(url).then(({ addon }) => {
    const os = addon();
    const bells = [os.bellCreate(), os.bellCreate()];
    const [one, two] = os.socketPair(os.packet);
    const fds = [];
    os.socketSend(one, Buffer.of(1), 0, 1, [bells[0]], "");
    os.socketReceive(two, Buffer.alloc(1), 0, 1, fds);
    const memory = os.memoryCreate("lab", 8192);
    globalThis.map = Buffer.from(os.memoryMap(memory, 0, 8192, true));
    os.descriptorCopy(memory);
    const heard = os.signalHear(signal);
    let calls = 0;
    const watches = [...bells, ...fds].map((bell) => os.watchStart(bell, os.readable, true, () => {
      os.bellRing(bell); // for ever
      if (++calls === 10) parentPort.postMessage("busy");
      if (calls === 5) os.watchStop(watches[1]);
    }));
    os.watchStart(heard, os.readable, false, () => {});
    os.watchStart(one, os.readable | os.writable, false, () => {});
    for (const bell of bells) os.bellRing(bell);
    globalThis.end = () => { for (const watch of watches) os.watchStop(watch); process.exit(3); };
    parentPort.on("message", () => end());
  });`;

async function busyWorker(): Promise<Worker> {
  const url = import.meta.resolve("./addon.ts");
  const worker = new Worker(busy, { eval: true, workerData: { url, signal } });
  const [said] = await once(worker, "message");
  equal(said, "busy");
  return worker;
}

suite("the addon in worker threads", { skip: noAddon }, () => {
  test("leaves nothing behind when they are ended in the midst of their watches", async () => {
    await (await busyWorker()).terminate();
    const [descriptors, maps] = [openDescriptors(), await mapsOpen()];
    for (let round = 0; round < 5; round++) await (await busyWorker()).terminate();
    await until(() => openDescriptors() <= descriptors);
    equal(await mapsOpen(), maps);
  });

  test("leaves nothing behind when they stop their watches and end in the same turn", async () => {
    const descriptors = openDescriptors();
    const maps = await mapsOpen();
    for (let round = 0; round < 5; round++) {
      const worker = await busyWorker();
      worker.postMessage("end");
      equal((await once(worker, "exit"))[0], 3);
    }
    await until(() => openDescriptors() <= descriptors);
    equal(await mapsOpen(), maps);
  });

  test("hears a signal in one thread, and in another one when that has ended", async () => {
    const worker = await busyWorker();
    let code = "";
    try {
      os.signalHear(signal);
    } catch (error) {
      code = (error as NodeJS.ErrnoException).code!;
    }
    equal(code, "EBUSY");
    os.signalDeafen(signal); // it is not this thread's
    equal(os.signalSend(process.pid, signal, 1), 0, "and this process lives on");
    await worker.terminate();
    const heard = os.signalHear(signal);
    os.signalDeafen(signal);
    os.descriptorClose(heard);
  });

  test("goes on in the main thread whatever becomes of them", async () => {
    const bell = os.bellCreate();
    let calls = 0;
    const watch = os.watchStart(bell, os.readable, true, () => calls++);
    await (await busyWorker()).terminate();
    os.bellRing(bell);
    await until(() => calls === 1);
    os.watchStop(watch);
    os.descriptorClose(bell);
  });
});
