import { deepEqual, equal, throws } from "node:assert/strict";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { userInfo, tmpdir } from "node:os";
import { join } from "node:path";
import { suite, test, type TestContext } from "node:test";

import { errno, noAddon, openDescriptors, os, program } from "./testing/lab.ts";

function folder(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), "trunkline-"));
  t.after(() => rmSync(path, { recursive: true }));
  return path;
}

function send(fd: number, text: string, fds: readonly number[] = [], path = ""): number {
  const bytes = Buffer.from(text);
  return os.socketSend(fd, bytes, 0, bytes.length, fds, path);
}

function receive(fd: number, room = 64, fds: number[] = []): string | number {
  const bytes = Buffer.alloc(room);
  const count = os.socketReceive(fd, bytes, 0, room, fds);
  return count < 0 ? count : bytes.toString("latin1", 0, count);
}

function close(...fds: number[]): void {
  for (const fd of fds) os.descriptorClose(fd);
}

suite("sockets", { skip: noAddon }, () => {
  test("a pair of streams has no boundaries, and one of packets and datagrams has", () => {
    for (const [type, first, second] of [
      [os.stream, "onetwo", errno.EAGAIN],
      [os.packet, "one", "two"],
      [os.datagram, "one", "two"],
    ] as const) {
      const [one, two] = os.socketPair(type);
      equal(send(one, "one"), 3);
      equal(send(one, "two"), 3);
      equal(receive(two), first);
      equal(receive(two), second);
      equal(receive(one), errno.EAGAIN, "nothing blocks");
      close(one, two);
    }
  });

  test("only the part of the Buffer that is named is sent, and written", () => {
    const [one, two] = os.socketPair(os.packet);
    equal(os.socketSend(one, Buffer.from("abcdef"), 2, 4, [], ""), 2);
    const into = Buffer.from("......");
    equal(os.socketReceive(two, into, 3, 6, []), 2);
    equal(into.toString(), "...cd.");
    close(one, two);
  });

  test("a listener at a path is connected to, says who is there, and ends by halves", (t) => {
    const path = join(folder(t), "socket");
    for (const type of [os.packet, os.stream]) {
      const listener = os.socketOpen(type);
      os.socketBind(listener, path);
      equal(existsSync(path), true);
      const early = os.socketOpen(type);
      equal(os.socketConnect(early, path), errno.ECONNREFUSED, "nobody listens yet");
      os.socketListen(listener, 4);
      equal(os.socketAccept(listener), errno.EAGAIN);
      const dialled = os.socketOpen(type);
      equal(os.socketConnect(dialled, path), 0);
      const accepted = os.socketAccept(listener);
      const { uid, gid } = userInfo();
      deepEqual(os.socketPeer(accepted), [process.pid, uid, gid]);
      deepEqual(os.socketPeer(dialled), [process.pid, uid, gid]);
      equal(send(dialled, "hello"), 5);
      equal(os.socketEnd(dialled), 0);
      equal(receive(accepted), "hello");
      equal(receive(accepted), "", "the end");
      equal(send(accepted, "bye"), 3, "the other direction is open");
      equal(receive(dialled), "bye");
      equal(send(dialled, "more"), errno.EPIPE, "and no signal");
      close(listener, early, dialled, accepted);
      rmSync(path);
    }
  });

  test("a datagram goes to a path, and its sender is told when nobody has it, or no room", (t) => {
    const path = join(folder(t), "socket");
    const [receiver, sender] = [os.socketOpen(os.datagram), os.socketOpen(os.datagram)];
    equal(send(sender, "lost", [], path), errno.ENOENT);
    os.socketBind(receiver, path);
    throws(() => os.socketBind(sender, path), { code: "EADDRINUSE", syscall: "bind" });
    equal(send(sender, "there", [], path), 5);
    equal(receive(receiver), "there");
    equal(send(sender, ""), errno.ENOTCONN, "an empty path is whom it is connected to");
    equal(send(sender, "", [], path), 0, "an empty datagram is one");
    equal(receive(receiver), "");
    let sent = 0;
    while (sent < 100_000 && send(sender, "x", [], path) === 1) sent++;
    equal(send(sender, "x", [], path), errno.EAGAIN);
    for (let got = 0; got < sent; got++) equal(receive(receiver), "x");
    close(receiver);
    equal(send(sender, "x", [], path), errno.ECONNREFUSED);
    close(sender);
  });

  test("what is longer than the room is an error, and the next one is whole", () => {
    for (const type of [os.datagram, os.packet]) {
      const [one, two] = os.socketPair(type);
      send(one, "0123456789");
      send(one, "next");
      equal(receive(two, 9), errno.EMSGSIZE);
      equal(receive(two, 4), "next");
      close(one, two);
    }
  });

  test("a socket that is to tell senders tells of each datagram who has sent it, descriptors or not", () => {
    const [one, two] = os.socketPair(os.datagram);
    const who = new Uint32Array(3);
    const into = Buffer.alloc(8);
    const from = (fds: number[] = []): number =>
      os.socketReceiveFrom(two, into, 0, into.length, fds, who);
    const nobody = [0, 2 ** 32 - 1, 2 ** 32 - 1];
    send(one, "early");
    os.socketTellSenders(two);
    equal(from(), 5);
    deepEqual([...who].slice(0, 1), [0], "it was sent before anybody asked");
    const { uid, gid } = userInfo();
    const bells = Array.from({ length: 8 }, () => os.bellCreate());
    for (const given of [[], bells]) {
      send(one, "known", given);
      const fds: number[] = [];
      equal(from(fds), 5);
      deepEqual([[...who], fds.length], [[process.pid, uid, gid], given.length]);
      close(...fds);
    }
    equal(from(), errno.EAGAIN);
    deepEqual([...who], nobody, "nothing is told of what has not come");
    send(one, "123456789");
    equal(from(), errno.EMSGSIZE);
    send(one, "known");
    equal(receive(two), "known", "who does not ask is not told");
    for (const wrong of [new Uint32Array(2), new Int32Array(3), [0, 0, 0], undefined])
      throws(() => os.socketReceiveFrom(two, into, 0, 1, [], wrong as never), TypeError);
    close(one, two, ...bells);
    throws(() => os.socketTellSenders(one), { code: "EBADF", syscall: "setsockopt" });
  });

  test("room is what the system makes of it, and a message beyond it is refused", () => {
    const [one, two] = os.socketPair(os.packet);
    const room = os.socketRoom(one, os.sendRoom, 8_192);
    equal(room >= 8_192, true);
    equal(os.socketRoom(one, os.receiveRoom, 8_192) >= 8_192, true);
    const large = Buffer.alloc(2 * room);
    equal(os.socketSend(one, large, 0, large.length, [], ""), errno.EMSGSIZE);
    throws(() => os.socketRoom(one, 1, 1), RangeError);
    close(one, two);
    throws(() => os.socketRoom(one, os.sendRoom, 1), { code: "EBADF", syscall: "setsockopt" });
  });

  test("descriptors come along, new ones of the same thing, closed in programs that are started", async () => {
    const [one, two] = os.socketPair(os.stream);
    const memory = os.memoryCreate("lab", 4096);
    const bell = os.bellCreate();
    equal(send(one, "M", [memory, bell]), 1);
    close(memory, bell);
    const fds: number[] = [-5];
    equal(receive(two, 1, fds), "M");
    const [kept, itsMemory, itsBell] = fds;
    equal(fds.length, 3);
    equal(kept, -5, "what was in the array stays");
    equal(os.memoryBytes(itsMemory!), 4096);
    equal(os.bellRing(itsBell!), 0);
    // Closed on exec: /proc says so by the flags.
    for (const fd of [itsMemory, itsBell]) {
      const flags = /^flags:\s*(\d+)$/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, "utf8"))![1]!;
      equal(Number.parseInt(flags, 8) & 0o2000000, 0o2000000);
    }
    close(one, two, itsMemory!, itsBell!);
  });

  test("more descriptors than there is room for are closed, and that is told", async () => {
    const before = openDescriptors();
    const [one, two] = os.socketPair(os.packet);
    const many = Array.from({ length: 8 }, () => os.bellCreate());
    equal(send(one, "x", many), 1);
    const fds: number[] = [];
    equal(receive(two, 8, fds), "x");
    equal(fds.length, 8);
    throws(() => send(one, "x", [...many, one]), RangeError);
    close(...many, ...fds, one, two);
    equal(openDescriptors(), before);
    // A process that may have no more descriptors gets none of them, and hears of it.
    const { stdout, stderr } = await program(
      `import { readdirSync } from "node:fs";
       const [one, two] = os.socketPair(os.packet);
       const bell = os.bellCreate();
       console.log("begins");
       os.socketSend(one, Buffer.of(1), 0, 1, Array(8).fill(bell), "");
       const before = readdirSync("/proc/self/fd").length;
       const taken = [];
       try { for (;;) taken.push(os.bellCreate()); } catch (error) { console.log(error.code); }
       for (const fd of taken.splice(0, 3)) os.descriptorClose(fd);
       const fds = [];
       console.log(os.socketReceive(two, Buffer.alloc(1), 0, 1, fds), fds.length);
       for (const fd of taken) os.descriptorClose(fd);
       console.log(readdirSync("/proc/self/fd").length - before);`,
      { under: "ulimit -n 256" },
    );
    equal(stdout, `begins\nEMFILE\n${errno.EMSGSIZE} 0\n0\n`, stderr);
  });

  test("an empty path and one that is too long are no places", () => {
    const fd = os.socketOpen(os.stream);
    throws(() => os.socketBind(fd, ""), { code: "ENOENT", syscall: "bind" });
    throws(() => os.socketConnect(fd, ""), { code: "ENOENT", syscall: "connect" });
    throws(() => os.socketBind(fd, `/tmp/${"x".repeat(103)}`), TypeError);
    equal(os.socketConnect(fd, "/nowhere/at/all"), errno.ENOENT);
    close(fd);
    equal(os.socketConnect(fd, "/nowhere/at/all"), errno.EBADF);
  });

  test("what is no socket, no type, no Buffer and no span of it is refused", () => {
    const memory = os.memoryCreate("lab", 4096);
    equal(send(memory, "x"), errno.ENOTSOCK);
    equal(receive(memory), errno.ENOTSOCK);
    equal(os.socketPeer(memory), errno.ENOTSOCK);
    equal(os.socketAccept(memory), errno.ENOTSOCK);
    equal(os.socketEnd(memory), errno.ENOTSOCK);
    throws(() => os.socketListen(memory, 1), { code: "ENOTSOCK", errno: errno.ENOTSOCK });
    throws(() => os.socketOpen(0), TypeError);
    throws(() => os.socketPair(99), TypeError);
    const [one, two] = os.socketPair(os.stream);
    const bytes = Buffer.from("abc");
    for (const [from, to] of [
      [2, 1],
      [0, 4],
      [4, 4],
    ] as const) {
      throws(() => os.socketSend(one, bytes, from, to, [], ""), RangeError);
      throws(() => os.socketReceive(one, bytes, from, to, []), RangeError);
    }
    for (const wrong of [-1, 0.5, Number.NaN, "1", undefined]) {
      throws(() => os.socketSend(one, bytes, wrong as number, 3, [], ""), TypeError);
      throws(() => os.socketReceive(one, bytes, 0, wrong as number, []), TypeError);
    }
    for (const wrong of ["abc", new ArrayBuffer(3), undefined, [1, 2, 3]]) {
      throws(() => os.socketSend(one, wrong as never, 0, 1, [], ""), TypeError);
      throws(() => os.socketReceive(one, wrong as never, 0, 1, []), TypeError);
    }
    throws(() => os.socketSend(one, bytes, 0, 1, [Number.NaN], ""), TypeError);
    throws(() => os.socketSend(one, bytes, 0, 1, {} as never, ""), RangeError);
    throws(() => os.socketReceive(one, bytes, 0, 1, {} as never), TypeError);
    equal(os.socketSend(one, bytes, 0, 1, [987_654], ""), errno.EBADF);
    close(memory, one, two);
  });

  test("a Buffer that was let go of has no bytes, even while the arguments are looked at", () => {
    const [one, two] = os.socketPair(os.packet);
    const memory = os.memoryCreate("lab", 4096);
    const gone = Buffer.from(os.memoryMap(memory, 0, 4096, true));
    os.memoryLetGo(gone.buffer);
    throws(() => os.socketSend(one, gone, 0, 1, [], ""), RangeError);
    equal(os.socketSend(one, gone, 0, 0, [], ""), 0);
    const going = Buffer.from(os.memoryMap(memory, 0, 4096, true));
    const fds: number[] = [];
    Object.defineProperty(fds, 0, {
      get: () => {
        os.memoryLetGo(going.buffer);
        return memory;
      },
    });
    throws(() => os.socketSend(one, going, 0, 4096, fds, ""), RangeError);
    close(memory, one, two);
  });

  test("made, sent and received with descriptors 10,000 times leave nothing behind", () => {
    const before = openDescriptors();
    const [one, two] = os.socketPair(os.packet);
    const byte = Buffer.of(1);
    for (let round = 0; round < 10_000; round++) {
      const bell = os.bellCreate();
      os.socketSend(one, byte, 0, 1, [bell], "");
      const fds: number[] = [];
      os.socketReceive(two, byte, 0, 1, fds);
      close(bell, ...fds);
    }
    close(one, two);
    equal(openDescriptors(), before);
  });
});
