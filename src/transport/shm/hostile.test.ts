import { equal, match } from "node:assert/strict";
import { once } from "node:events";
import { mkdtempSync, openSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, suite, test } from "node:test";

import { realEnv } from "../../base/real-env.ts";
import { addon, addonProblem, type Addon } from "../../os/addon.ts";
import { createSegment, type OwnSegment } from "../../os/segment.ts";
import { Word } from "../../os/words.ts";
import { parseAddress } from "../address.ts";
import type { CloseReason, Connection, Listener } from "../transport.ts";
import { unix } from "../unix/index.ts";
import { wordBytes, writeWord } from "../word.ts";

const nonce = Buffer.alloc(16, 7);
const ringBytes = 65_536;

/** What a peer sends instead of its memory and its bell, and closes afterwards. */
const wrong: Readonly<Record<string, (os: Addon, folder: string) => number[]>> = {
  "no descriptor": () => [],
  "one descriptor": (os) => [os.bellCreate()],
  "three descriptors": (os) => [properly(os), os.bellCreate(), os.bellCreate()],
  "eight descriptors": (os) => Array.from({ length: 8 }, () => os.bellCreate()),
  "/dev/zero": (os) => [openSync("/dev/zero", "r+"), os.bellCreate()],
  "/dev/null": (os) => [openSync("/dev/null", "r+"), os.bellCreate()],
  "a socket": (os) => {
    const [one, other] = os.socketPair(os.stream);
    os.descriptorClose(other);
    return [one, os.bellCreate()];
  },
  "a bell instead of memory": (os) => [os.bellCreate(), os.bellCreate()],
  "a regular file": (os, folder) => {
    writeFileSync(join(folder, "memory"), Buffer.alloc(8_192 + ringBytes));
    return [openSync(join(folder, "memory"), "r+"), os.bellCreate()];
  },
  "memory without seals": (os) => [os.memoryCreate("bare", 8_192 + ringBytes), os.bellCreate()],
  "memory that can shrink": (os) => [
    sealed(os, os.sealSeal | os.sealGrow | os.sealFutureWrite),
    os.bellCreate(),
  ],
  "memory that others can write": (os) => [
    sealed(os, os.sealSeal | os.sealGrow | os.sealShrink),
    os.bellCreate(),
  ],
  "memory that holds nothing": (os) => [sealed(os, all(os)), os.bellCreate()],
  "memory that is too short": (os) => [sealed(os, all(os), 4_096), os.bellCreate()],
  "empty memory": (os) => [sealed(os, all(os), 0), os.bellCreate()],
  "memory that is too large": (os) => [sealed(os, all(os), 8 * 1024 * 1024), os.bellCreate()],
  "memory of another connection": (os) => [properly(os, Buffer.alloc(16, 8)), os.bellCreate()],
};

function all(os: Addon): number {
  return os.sealSeal | os.sealShrink | os.sealGrow | os.sealFutureWrite;
}

function sealed(os: Addon, seals: number, bytes: number = 8_192 + ringBytes): number {
  const fd = os.memoryCreate("hostile", bytes);
  os.memorySeal(fd, seals);
  return fd;
}

function properly(os: Addon, of: Buffer = nonce): number {
  const segment = createSegment(os, ringBytes, of);
  segment.release();
  return segment.fd;
}

function openDescriptors(): number {
  return readdirSync("/proc/self/fd").length;
}

/** A server that moves what connects to it, and a client of it that does as it likes. */
class Scene {
  readonly os: Addon = addon()!;
  readonly frames: string[] = [];
  readonly reasons: CloseReason[] = [];
  readonly folder: string;
  #socket!: Socket;
  #listener!: Listener;
  #connection: Connection | undefined;
  #heard = "";
  #changed: () => void = () => {};

  constructor(folder: string) {
    this.folder = folder;
  }

  async start(): Promise<void> {
    const path = `${this.folder}/hostile.sock`;
    const address = parseAddress(`unix:${path}`);
    const accept = (connection: Connection): void => this.#accepted(connection);
    this.#listener = await unix({ shm: { ringBytes } }).listen(address, accept, {}, realEnv());
    this.#socket = connect(path);
    this.#socket.on("error", () => {});
    this.#socket.on("data", (bytes: Buffer) => {
      this.#heard += bytes.toString("latin1");
      this.#changed();
    });
    await once(this.#socket, "connect");
  }

  say(word: string): void {
    const memory = Buffer.alloc(3 + wordBytes(word));
    memory.writeUIntBE(wordBytes(word), 0, 3);
    writeWord(memory, 3, word);
    this.#socket.write(memory);
  }

  frame(text: string): void {
    this.#socket.write(Buffer.from(`\0\0${String.fromCharCode(text.length)}${text}`, "latin1"));
  }

  /** A byte with descriptors, which are closed here then. */
  send(byte: string, fds: readonly number[]): void {
    const { fd } = (this.#socket as unknown as { _handle: { fd: number } })._handle;
    equal(this.os.socketSend(fd, Buffer.from(byte), 0, 1, fds, ""), 1);
    for (const each of fds) this.os.descriptorClose(each);
  }

  /** Until the server has said so. */
  async hears(text: string): Promise<void> {
    await this.#until(() => this.#heard.includes(text));
    this.#heard = this.#heard.slice(this.#heard.indexOf(text) + text.length);
  }

  async offers(): Promise<void> {
    this.say(`offer ${nonce.toString("hex")}`);
    await this.hears("ready");
  }

  /** The server sends so many bytes. */
  answers(bytes: number): void {
    const connection = this.#connection!;
    connection.commit(connection.claim(bytes) + bytes);
  }

  leave(): void {
    this.#socket.destroy();
  }

  /** What the server says of the end. */
  async reason(): Promise<CloseReason> {
    await this.#until(() => this.reasons.length > 0);
    return this.reasons[0]!;
  }

  async came(): Promise<string> {
    await this.#until(() => this.frames.length > 0);
    return this.frames.shift()!;
  }

  async end(): Promise<void> {
    this.leave();
    await this.reason();
    await this.#listener.close();
  }

  #accepted(connection: Connection): void {
    this.#connection = connection;
    connection.open({
      frame: (memory, from, to) => {
        this.frames.push(memory.toString("latin1", from, to));
        this.#changed();
      },
      drain: () => {},
      ended: () => connection.end(),
      closed: (reason) => {
        this.reasons.push(reason);
        this.#changed();
      },
    });
  }

  async #until(done: () => boolean): Promise<void> {
    while (!done()) await new Promise<void>((changed) => (this.#changed = changed));
  }
}

/** Plays a scene, after which as many descriptors are open as before. */
async function play(folder: string, act: (scene: Scene) => Promise<void>): Promise<void> {
  const before = openDescriptors();
  const scene = new Scene(mkdtempSync(join(folder, "scene-")));
  await scene.start();
  await act(scene);
  await scene.end();
  for (let turns = 0; openDescriptors() > before && turns < 1_000; turns++)
    await new Promise((turn) => setImmediate(turn));
  equal(openDescriptors(), before, "descriptors were left open");
}

suite("a hostile peer of a connection that moves", { skip: addonProblem() ?? false }, () => {
  const folder = mkdtempSync(join(tmpdir(), "trunkline-"));
  after(() => rmSync(folder, { recursive: true }));

  for (const [name, descriptors] of Object.entries(wrong)) {
    test(`sends ${name}, and stays on the socket`, () =>
      play(folder, async (scene) => {
        await scene.offers();
        scene.send("M", descriptors(scene.os, scene.folder));
        await scene.hears("N");
        scene.frame("all the same");
        equal(await scene.came(), "all the same");
      }));
  }

  for (const word of ["ready", "no", "hello", ""]) {
    test(`says "${word}" when it is not to be said, and is refused`, () =>
      play(folder, async (scene) => {
        scene.say(word);
        equal((await scene.reason()).kind, "broken");
      }));
  }

  test("offers with what is no nonce, and stays on the socket", () =>
    play(folder, async (scene) => {
      scene.say("offer 1234");
      await scene.hears("no");
      scene.frame("all the same");
      equal(await scene.came(), "all the same");
    }));

  test("offers twice, and is refused", () =>
    play(folder, async (scene) => {
      scene.say("offer 1234");
      scene.say("offer 1234");
      equal((await scene.reason()).kind, "broken");
    }));

  for (const byte of ["Y", "\0", "x"]) {
    test(`says ${JSON.stringify(byte)} instead of sending its memory, and is refused`, () =>
      play(folder, async (scene) => {
        await scene.offers();
        scene.send(byte, [scene.os.bellCreate()]);
        equal((await scene.reason()).kind, "broken");
      }));

    if (byte === "Y") continue;
    test(`says ${JSON.stringify(byte)} instead of yes or no, and is refused`, () =>
      play(folder, async (scene) => {
        await scene.offers();
        scene.send("M", [properly(scene.os), scene.os.bellCreate()]);
        await scene.hears("M");
        scene.send(byte, []);
        equal((await scene.reason()).kind, "broken");
      }));
  }

  test("sends its memory twice, and is refused", () =>
    play(folder, async (scene) => {
      await scene.offers();
      scene.send("M", [properly(scene.os), scene.os.bellCreate()]);
      await scene.hears("M");
      scene.send("M", [properly(scene.os), scene.os.bellCreate()]);
      equal((await scene.reason()).kind, "broken");
    }));

  test("leaves in the middle of everything", async () => {
    const steps: ((scene: Scene) => unknown)[] = [
      (scene) => scene.say(`offer ${nonce.toString("hex")}`),
      (scene) => scene.hears("ready"),
      (scene) => scene.send("M", [properly(scene.os), scene.os.bellCreate()]),
      (scene) => scene.hears("M"),
      (scene) => scene.send("Y", []),
    ];
    for (let count = 1; count <= steps.length; count++) {
      await play(folder, async (scene) => {
        for (const step of steps.slice(0, count)) await step(scene);
        scene.leave();
        equal((await scene.reason()).kind, "lost");
      });
    }
  });

  const scribbles: Readonly<Record<string, (scene: Scene, segment: OwnSegment) => void>> = {
    "says that its tail is where it cannot be": (_, { words }) =>
      words.store(Word.tail, ringBytes + 1),
    "says to have read what was not written": (scene, { words }) => {
      words.store(Word.head, 1);
      scene.answers(ringBytes);
    },
    "sends by the socket what makes no sense": (scene) => scene.send("x", []),
  };
  for (const [name, act] of Object.entries(scribbles))
    test(`moves, ${name}, and is refused`, () =>
      play(folder, async (scene) => {
        await scene.offers();
        const segment = createSegment(scene.os, ringBytes, nonce);
        scene.send("M", [segment.fd, scene.os.bellCreate()]);
        await scene.hears("M");
        scene.send("Y", []);
        act(scene, segment);
        const { kind, message } = await scene.reason();
        equal(kind, "broken");
        match(message, /makes no sense/);
        segment.release();
      }));
});
