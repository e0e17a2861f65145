import type { Mutant } from "./mutant.ts";

const writer = "src/os/ring-writer.ts";
const reader = "src/os/ring-reader.ts";
const stream = "src/transport/shm/shm-stream.ts";
const mover = "src/transport/shm/shm-mover.ts";
const moving = "src/transport/moving-stream.ts";

/** Ways to break what two sides of a shared memory have agreed on. */
export const ipcMutants: readonly Mutant[] = [
  {
    name: "sleeps-without-a-last-look",
    file: reader,
    find: "if (this.#peer.load(Word.tail) === this.#head && !this.ended) return true;",
    replace: "if (!this.ended) return true;",
    because: "bytes that came while it fell asleep lie there until others come",
    killedBy: "shm",
  },
  {
    name: "sleeps-through-the-end",
    file: reader,
    find: "if (this.#peer.load(Word.tail) === this.#head && !this.ended) return true;",
    replace: "if (this.#peer.load(Word.tail) === this.#head) return true;",
    because: "an end that was said while it fell asleep is never seen",
    killedBy: "shm",
  },
  {
    name: "looks-before-it-says-that-it-sleeps",
    file: reader,
    find: `    if ((this.#sleeps & 1) === 0) this.#own.store(Word.sleeping, ++this.#sleeps);
    if (this.#peer.load(Word.tail) === this.#head && !this.ended) return true;`,
    replace: `    const nothing = this.#peer.load(Word.tail) === this.#head && !this.ended;
    if ((this.#sleeps & 1) === 0) this.#own.store(Word.sleeping, ++this.#sleeps);
    if (nothing) return true;`,
    because: "it sleeps and nobody knows it",
    killedBy: "shm",
  },
  {
    name: "looks-before-it-says-that-it-waits",
    file: writer,
    find: `    if ((this.#waits & 1) === 0) this.#own.store(Word.waiting, ++this.#waits);
    if (this.#peer.load(Word.head) === this.#head) return true;`,
    replace: `    const full = this.#peer.load(Word.head) === this.#head;
    if ((this.#waits & 1) === 0) this.#own.store(Word.waiting, ++this.#waits);
    if (full) return true;`,
    because: "what waits for room waits for ever",
    killedBy: "shm",
  },
  {
    name: "waits-without-a-last-look",
    file: writer,
    find: "if (this.#peer.load(Word.head) === this.#head) return true;",
    replace: "if (this.#waits > 0) return true;",
    because: "what waits for room waits for ever",
    killedBy: "shm",
  },
  {
    name: "looks-for-sleepers-before-it-publishes",
    file: writer,
    find: `    this.#own.store(Word.tail, this.#tail);
    const sleeping = this.#peer.load(Word.sleeping);`,
    replace: `    const sleeping = this.#peer.load(Word.sleeping);
    this.#own.store(Word.tail, this.#tail);`,
    because: "bytes lie there and the other side sleeps",
    killedBy: "shm",
  },
  {
    name: "looks-for-waiters-before-it-frees",
    file: reader,
    find: `    this.#own.store(Word.head, this.#head);
    const waiting = this.#peer.load(Word.waiting);`,
    replace: `    const waiting = this.#peer.load(Word.waiting);
    this.#own.store(Word.head, this.#head);`,
    because: "there is room and the other side waits for it",
    killedBy: "shm",
  },
  {
    name: "published-before-it-is-written",
    file: writer,
    find: "    const at = this.#tail & (size - 1);\n",
    replace:
      "    const at = this.#tail & (size - 1);\n    this.#own.store(Word.tail, (this.#tail + count) >>> 0);\n",
    because: "the other side reads what stood there before",
    killedBy: "shm",
  },
  {
    name: "freed-before-it-is-read",
    file: reader,
    find: "    const at = this.#head & (size - 1);\n",
    replace:
      "    const at = this.#head & (size - 1);\n    this.#own.store(Word.head, (this.#head + count) >>> 0);\n",
    because: "what is being read is written over",
    killedBy: "shm",
  },
  {
    name: "rings-at-every-write",
    file: writer,
    find: "if ((sleeping & 1) === 0 || sleeping === this.#rung) return;",
    replace: "if ((sleeping & 1) === 0) return;",
    because: "each write costs a call of the system, until the other side has woken",
    killedBy: "shm",
  },
  {
    name: "rings-at-every-read",
    file: reader,
    find: "if ((waiting & 1) === 1 && waiting !== this.#rung) {",
    replace: "if ((waiting & 1) === 1) {",
    because: "each read costs a call of the system, until the other side has woken",
    killedBy: "shm",
  },
  {
    name: "rings-once-for-all-sleeps",
    file: writer,
    find: "    this.#rung = sleeping;\n",
    replace: "    this.#rung = sleeping;\n    this.#peer.load = () => sleeping;\n",
    because: "a second sleep is never ended",
    killedBy: "shm",
  },
  {
    name: "rings-for-the-wrong-word",
    file: writer,
    find: "const sleeping = this.#peer.load(Word.sleeping);",
    replace: "const sleeping = this.#peer.load(Word.waiting);",
    because: "who sleeps is not woken",
    killedBy: "shm",
  },
  {
    name: "rings-reader-for-room",
    file: reader,
    find: "const waiting = this.#peer.load(Word.waiting);",
    replace: "const waiting = this.#peer.load(Word.sleeping);",
    because: "who waits for room is not woken",
    killedBy: "shm",
  },
  {
    name: "sleeps-on-without-a-new-number",
    file: reader,
    find: "    if ((this.#sleeps & 1) === 0) return false;\n",
    replace: "    if (this.#sleeps > 0) return true;\n",
    because: "the next sleep looks like the last one, which was rung for already",
    killedBy: "shm",
  },
  {
    name: "waits-on-without-a-new-number",
    file: writer,
    find: "    if ((this.#waits & 1) === 1) this.#own.store(Word.waiting, ++this.#waits);\n",
    replace: "",
    because: "the next wait looks like the last one, which was rung for already",
    killedBy: "shm",
  },
  {
    name: "ring-wraps-one-too-late",
    file: writer,
    find: "const first = Math.min(count, size - at);",
    replace: "const first = Math.min(count, size - at + 1);",
    because: "a byte is written beyond the end of the ring",
    killedBy: "shm",
  },
  {
    name: "reader-wraps-one-too-early",
    file: reader,
    find: "const first = Math.min(count, size - at);",
    replace: "const first = Math.min(count, Math.max(1, size - at - 1));",
    because: "a byte is read twice at the end of the ring, and another one not at all",
    killedBy: "shm",
  },
  {
    name: "room-counted-signed",
    file: writer,
    find: "const used = (this.#tail - this.#head) >>> 0;",
    replace: "const used = this.#tail - this.#head;",
    because: "after four gigabytes the ring is written over, or said to be broken",
    killedBy: "shm",
  },
  {
    name: "bytes-counted-signed",
    file: reader,
    find: "const there = (this.#peer.load(Word.tail) - this.#head) >>> 0;",
    replace: "const there = Math.max(0, this.#peer.load(Word.tail) - this.#head);",
    because: "after four gigabytes nothing is read any more",
    killedBy: "shm",
  },
  {
    name: "tail-believed",
    file: reader,
    find: "if (there > size) return -1;",
    replace: "",
    because: "a peer that lies about its tail has us read what is not there",
    killedBy: "shm",
  },
  {
    name: "head-believed",
    file: writer,
    find: "if (used > size) return -1;",
    replace: "",
    because: "a peer that lies about its head has us write over what was not read",
    killedBy: "shm",
  },
  {
    name: "ring-filled-beyond-full",
    file: writer,
    find: "room = size - used;",
    replace: "room = size - used + 1;",
    because: "a byte that was not read is written over",
    killedBy: "shm",
  },
  {
    name: "end-not-published",
    file: writer,
    find: "    this.#own.store(Word.ended, 1);\n    this.publish();",
    replace: "    this.#own.store(Word.ended, 1);",
    because: "who sleeps does not learn of the end",
    killedBy: "shm",
  },
  {
    name: "end-believed-before-its-bytes",
    file: stream,
    find: `    const count = this.#reader.read(scratch);
    if (count < 0) return this.#broken();
    if (count > 0) {
      sink.bytes(scratch, 0, count);
      return this.#drainLater();
    }
    if (!this.#endTold)`,
    replace: "    if (!this.#endTold)",
    because: "the last bytes before the end are lost",
    killedBy: "shm",
  },
  {
    name: "end-said-before-all-is-written",
    file: stream,
    find: "if (!this.#ending || this.#writes.size > 0 || this.#closed) return;",
    replace: "if (!this.#ending || this.#closed) return;",
    because: "the other side takes a part for the whole",
    killedBy: "shm",
  },
  {
    name: "death-before-the-last-bytes",
    file: stream,
    find: `    const count = this.#reader.read(scratch);
    if (count < 0) return this.#broken();
    if (count > 0) {
      this.#patience.found();`,
    replace: `    if (this.#gone) return this.#close(peerGone());
    const count = this.#reader.read(scratch);
    if (count < 0) return this.#broken();
    if (count > 0) {
      this.#patience.found();`,
    because: "what a process said before it died is lost",
    killedBy: "shm",
  },
  {
    name: "death-not-looked-at",
    file: stream,
    find: "    if (this.#writes.size > 0) this.#fill();\n    this.#drainLater();\n",
    replace: "    if (this.#writes.size > 0) this.#fill();\n",
    because: "the death of the other side is not noticed by who sleeps",
    killedBy: "shm",
  },
  {
    name: "sleeping-with-a-wait-for-room",
    file: stream,
    find: "    if (this.#writes.size > 0) this.#fill();\n    if (!this.#draining)",
    replace: "    if (!this.#draining)",
    because: "there is room, and what waits for it is not written",
    killedBy: "shm",
  },
  {
    name: "written-over-what-waits",
    file: stream,
    find: "if (this.#writes.size === 0) {",
    replace: "if (this.#writes.size < 2) {",
    because: "what comes later overtakes what waits for room",
    killedBy: "shm",
  },
  {
    name: "bell-not-answered-while-looking",
    file: stream,
    find: "if (this.#patience.again(this.#env.now()) || !this.#reader.sleep()) this.#drainLater();",
    replace: "if (this.#patience.again(this.#env.now()) || !this.#reader.sleep()) return;",
    because: "bytes that came at the last look lie there",
    killedBy: "shm",
  },
  {
    name: "paused-and-read-all-the-same",
    file: stream,
    find: "if (sink === undefined || this.#paused || this.#closed) return;",
    replace: "if (sink === undefined || this.#closed) return;",
    because: "who cannot take more is given more",
    killedBy: "shm",
  },
  {
    name: "held-in-the-wrong-order",
    file: moving,
    find: "for (const { bytes, written } of held)",
    replace: "for (const { bytes, written } of held.reverse())",
    because: "what is sent while a connection moves arrives in another order",
    killedBy: "shm",
  },
  {
    name: "end-forgotten-while-it-moves",
    file: moving,
    find: "    if (this.#ending) way.end();\n",
    replace: "",
    because: "the end of a connection that was moving is never told",
    killedBy: "shm",
  },
  {
    name: "nothing-held-by-who-offered",
    file: mover,
    find: "      return this.#clear(); // it has ended\n    }\n    this.stream.hold();\n",
    replace: "      return this.#clear(); // it has ended\n    }\n",
    because: "frames come by the socket where the other side looks for its memory",
    killedBy: "shm",
  },
  {
    name: "nothing-held-by-who-is-ready",
    file: mover,
    find: '    this.#state = "awaited";\n    this.stream.hold();\n',
    replace: '    this.#state = "awaited";\n',
    because: "frames come by the socket where the other side looks for its memory",
    killedBy: "shm",
  },
  {
    name: "held-for-ever-after-no",
    file: mover,
    find: "    this.stream.go();\n    this.#line.push();\n  }",
    replace: "    this.#line.push();\n  }",
    because: "a connection that stays on the socket sends nothing any more",
    killedBy: "shm",
  },
  {
    name: "socket-not-read-after-no",
    file: mover,
    find: "    this.#clear();\n    this.#socket.attach();\n    this.#goOn();\n",
    replace: "    this.#clear();\n    this.#goOn();\n",
    because: "a connection that stays on the socket reads nothing any more",
    killedBy: "shm",
  },
  {
    name: "moves-without-a-yes",
    file: mover,
    find: 'else if (this.#state === "awaited") this.#sendMemory("answered");',
    replace: `else if (this.#state === "awaited") {
      this.#sendMemory("answered");
      this.#move();
    }`,
    because: "one side has moved and the other has not",
    killedBy: "shm",
  },
  {
    name: "offered-to-who-has-ended",
    file: mover,
    find: 'if (this.#state === "idle") this.#clear();\n    else if',
    replace: "if",
    because:
      "a side waits for the answer of one that says nothing any more, and what it sends is held",
    killedBy: "shm",
  },
  {
    name: "bell-of-a-refused-peer-kept",
    file: mover,
    find: "if (fd !== bell || fault !== undefined)",
    replace: "if (fd !== bell)",
    because: "each move that comes to nothing leaves a descriptor open",
    killedBy: "shm",
  },
  {
    name: "map-of-an-unsealed-segment-kept",
    file: "src/os/segment.ts",
    find: "    segment?.release();\n",
    replace: "",
    because: "memory that could not be sealed stays mapped",
    killedBy: "shm",
  },
  {
    name: "end-of-the-way-that-is-left",
    file: "src/transport/same-host/two-ways.ts",
    find: "if (this.#paused || !this.#endUntold) return;",
    replace: "if (!this.#endUntold) return;",
    because:
      "who had paused while a connection moved is told of an end that is none, and gives up what is under way",
    killedBy: "sameHost",
  },
  {
    name: "close-before-what-was-read",
    file: "src/transport/same-host/two-ways.ts",
    find: "    if (error === undefined && this.#endUntold) return void (this.#closeUntold = true);\n",
    replace: "",
    because: "what came before a pause is lost when the connection moves and ends meanwhile",
    killedBy: "sameHost",
  },
  {
    name: "deaf-while-it-waits",
    file: "src/transport/same-host/host-mover.ts",
    find: "return this.#next?.waits ?? false;",
    replace: "return false;",
    because: "who has paused does not hear the word for which everything that it sends is held",
    killedBy: "sameHost",
  },
  {
    name: "parcel-without-room",
    file: "src/transport/shm/parcels.ts",
    find: "    if (room < bytes.length) return false;\n",
    replace: "",
    because: "a parcel is told of as whole, of which a part was written",
    killedBy: "shm",
  },
  {
    name: "parcel-that-is-not-there",
    file: "src/transport/shm/parcels.ts",
    find: "if (this.#reader!.read(whole.subarray(head.length)) !== bytes) return undefined;",
    replace: "this.#reader!.read(whole.subarray(head.length));",
    because: "a frame is handed on with whatever stood in the memory",
    killedBy: "shm",
  },
  {
    name: "parcels-uncounted",
    file: "src/transport/shm/parcels.ts",
    find: "if (!processMemory.take(bytes, processBytesMax)) return false;",
    replace: "processMemory.take(bytes, Infinity);",
    because: "connections that send large payloads share more memory than was allowed",
    killedBy: "shm",
  },
];
