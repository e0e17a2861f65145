import { deepEqual, equal } from "node:assert/strict";
import { RingReader } from "../src/os/ring-reader.ts";
import { RingWriter } from "../src/os/ring-writer.ts";
import { Word } from "../src/os/words.ts";
import { type BySocket, Loop, Memory, ShmEnd } from "./shm-end.ts";
import type { Input, Target } from "./target.ts";

/**
 * One end of a shared memory whose other end may write anything into what is its own, at any time: it reads what was sent properly, or
 * closes; nothing of it is left, it always comes to rest, and two others who speak with each other meanwhile notice nothing.
 */
export const ipc: Target = { name: "ipc", batch: 10, run };

/** An input has so many hostile records: things that the other end does and that one who keeps the rules never would. */
const recordsOfInput = 10_000;

const frameBytesMax = 300;
const words = Object.values(Word);

function run(input: Input): void {
  const loop = new Loop();
  const others = new Others(loop);
  while (input.records < recordsOfInput) {
    const scene = new Scene(input, loop);
    // Most of them keep the rules for a while: what was sent then must come, whatever is done later.
    const rude = input.once(4);
    for (let more = input.between(1, 400); more > 0 && !scene.over; more--)
      if (rude) scene.attack();
      else scene.act();
    scene.end();
    others.speak();
  }
}

class Scene {
  readonly #input: Input;
  readonly #loop: Loop;
  readonly #own: Memory;
  readonly #end: ShmEnd;
  readonly #writer: RingWriter;
  readonly #reader: RingReader;
  /** What was sent as it should be before anything else was, and what came of it. */
  readonly #sent: string[] = [];
  #came = 0;
  #proper = true;
  #ended = false;
  /** Descriptors that it has passed. */
  #fds = 100;
  #gone = false;

  constructor(input: Input, loop: Loop) {
    const ringBytes = 1 << input.between(0, 10);
    this.#input = input;
    this.#loop = loop;
    this.#own = new Memory(ringBytes);
    const others = new Memory(1 << input.between(0, 10));
    this.#end = new ShmEnd(loop, others, this.#own, frameBytesMax);
    this.#end.onFrame = (frame) => {
      if (this.#proper) equal(frame.toString("latin1"), this.#sent[this.#came++], "another frame");
    };
    const ring = (): void => this.#end.rung();
    this.#writer = new RingWriter(this.#own.ring, this.#own.words, others.words, ring);
    this.#reader = new RingReader(others.ring, this.#own.words, others.words, ring);
    loop.rest();
  }

  get over(): boolean {
    return this.#end.reasons.length > 0;
  }

  /** A hostile record, wherever it hurts. */
  attack(): void {
    switch (this.#input.between(0, 9)) {
      case 0:
        this.#scribbleBytes();
        break;
      case 1:
        this.#scribbleWord();
        break;
      case 2:
        this.#bySocket();
        break;
      case 3:
        this.#writeAnything();
        break;
      case 4:
        this.#end.rung();
        break;
      default:
        this.#sendAnything();
    }
    if (this.#input.once(8)) this.#loop.rest();
  }

  /** One who keeps the rules for the most part. */
  act(): void {
    const input = this.#input;
    switch (input.between(0, 15)) {
      case 0:
      case 1:
      case 2:
      case 3:
        this.#sendFrame();
        break;
      case 4:
      case 5:
        this.#answer();
        break;
      case 6:
        if (input.once(3)) this.#scribbleBytes();
        break;
      case 7:
      case 8:
      case 9:
      case 10:
        this.#scribbleHarmlessWord();
        break;
      case 11:
        if (input.once(4)) this.#scribbleWord();
        break;
      case 12:
        if (input.once(8)) this.#writeAnything();
        break;
      case 13:
        this.#end.rung();
        break;
      case 14:
        this.#reader.read(Buffer.alloc(input.between(0, 64)));
        break;
      default:
        this.#rarely();
    }
    if (input.once(3)) this.#loop.rest();
  }

  /** The other end is gone: who is left has closed when all has come to rest, and holds nothing. */
  end(): void {
    this.#loop.rest();
    if (!this.over) this.#end.connection.resume();
    this.#loop.rest();
    if (!this.over && !this.#gone) this.#end.heard({ count: 0, byte: 0, fds: [] });
    this.#loop.rest();
    if (!this.over) this.#end.connection.destroy("the test is over");
    this.#loop.rest();
    this.#end.over();
    if (this.#proper) equal(this.#came, this.#sent.length, "something that was sent has not come");
  }

  #rarely(): void {
    const { connection } = this.#end;
    const which = this.#input.between(0, 40);
    if (which < 4) this.#bySocket();
    else if (which < 8) this.#sayEnd();
    else if (which < 12 && !this.#gone) connection.pause();
    else connection.resume();
  }

  #sendFrame(): void {
    const text = `${this.#sent.length}`.padEnd(this.#input.between(1, 20), ".");
    const frame = Buffer.from(`\0\0${String.fromCharCode(text.length)}${text}`, "latin1");
    this.#sent.push(text);
    for (let from = 0, waits = 0; from < frame.length;) {
      const count = this.#writer.write(frame, from);
      if (count > 0) this.#writer.publish();
      else if (waits++ < frame.length) this.#makeRoom();
      from += Math.max(count, 0);
      if (!this.over && !this.#ended && count >= 0 && waits <= frame.length) continue;
      this.#proper = false; // it is cut off in the middle, or comes after the end
      return;
    }
  }

  #makeRoom(): void {
    this.#end.connection.resume();
    this.#loop.rest();
    this.#end.rung();
    this.#loop.rest();
  }

  /** The other end says something. */
  #answer(): void {
    const { connection } = this.#end;
    if (this.over || !connection.writable) return;
    const at = connection.claim(8);
    connection.outgoing.writeDoubleBE(0.5, at);
    connection.commit(at + 8);
    this.#loop.tick();
  }

  /** Anywhere: where something was sent that was not read yet, too. */
  #scribbleBytes(): void {
    const { ring } = this.#own;
    this.#hostile();
    for (let left = this.#input.between(1, 4); left > 0; left--)
      ring[this.#input.between(0, ring.length - 1)] = this.#input.between(0, 255);
  }

  #scribbleHarmlessWord(): void {
    const word = this.#input.once(2) ? Word.sleeping : Word.waiting;
    this.#own.words.store(word, this.#anyNumber(word));
    this.#input.records++; // it lies, and must not harm what is sent
  }

  #scribbleWord(): void {
    this.#hostile();
    const word = this.#input.pick(words);
    this.#own.words.store(word, this.#anyNumber(word));
    if (this.#input.once(2)) this.#end.rung();
  }

  #anyNumber(word: number): number {
    const input = this.#input;
    const now = this.#own.words.load(word);
    if (input.once(2)) return (now + input.between(-3, 3)) >>> 0;
    if (input.once(2)) return (now ^ (1 << input.between(0, 31))) >>> 0;
    return input.pick([0, 1, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1, input.between(0, 2 ** 32 - 1)]);
  }

  #sayEnd(): void {
    this.#ended = true;
    this.#writer.end();
  }

  /** A frame that says what it is, and holds anything; or says something a little else. */
  #sendAnything(): void {
    this.#hostile();
    const content = this.#input.bytes(this.#input.between(0, 24));
    const says = this.#input.once(50) ? this.#input.between(0, 30) : content.length;
    const frame = Buffer.concat([Buffer.of(0, 0, says), content]);
    let from = 0;
    for (let tries = 0; from < frame.length && tries < frame.length && !this.over; tries++) {
      const count = this.#writer.write(frame, from);
      if (count > 0) this.#writer.publish();
      else this.#loop.rest();
      from += Math.max(count, 0);
    }
    if (from < frame.length) this.#makeRoom();
  }

  /** What is sent from here on need not come as it was. */
  #hostile(): void {
    this.#proper = false;
    this.#input.records++;
  }

  #writeAnything(): void {
    this.#hostile();
    if (this.#writer.write(this.#input.bytes(this.#input.between(1, 30)), 0) > 0)
      this.#writer.publish();
  }

  #bySocket(): void {
    if (this.#gone || this.over) return;
    const fds = Array.from({ length: this.#input.between(0, 3) }, () => this.#fds++);
    const bytes: BySocket = {
      count: this.#input.between(0, 1),
      byte: this.#input.pick([0x4c, 0x4d, 0]),
      fds,
    };
    this.#gone = bytes.count === 0;
    // Whoever waits for room gives up when the other end is gone, unless he reads on.
    if (this.#gone) this.#end.connection.resume();
    else if (bytes.byte !== 0x4c || fds.length !== 1) this.#hostile();
    this.#end.heard(bytes);
  }
}

/** Two who keep the rules, in the same process. */
class Others {
  readonly #loop: Loop;
  readonly #ends: readonly [ShmEnd, ShmEnd];
  readonly #came: string[] = [];
  #said = 0;

  constructor(loop: Loop) {
    this.#loop = loop;
    const memories = [new Memory(64), new Memory(64)] as const;
    const a = new ShmEnd(loop, memories[0], memories[1], frameBytesMax);
    const b = new ShmEnd(loop, memories[1], memories[0], frameBytesMax);
    a.onBell = () => loop.env.yield(() => b.rung());
    b.onBell = () => loop.env.yield(() => a.rung());
    b.onFrame = (frame) => void this.#came.push(frame.toString("latin1"));
    this.#ends = [a, b];
    loop.rest();
  }

  speak(): void {
    const [{ connection }] = this.#ends;
    const text = `${this.#said++} is what was said, and it is longer than the ring of one of the two is`;
    const at = connection.claim(text.length);
    connection.commit(at + connection.outgoing.write(text, at));
    this.#loop.rest();
    deepEqual(this.#came.splice(0), [text]);
  }
}
