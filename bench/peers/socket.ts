import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";
import { blockAt, blockBytes, isBlockAt } from "../items.ts";
import { wrong, type Connected, type Peer } from "../peer.ts";
import type { Job } from "../work.ts";

/*
 * The floor: bytes behind a length of four bytes, and nothing else. The server sends back what it reads without looking
 * at it, the client compares bytes with bytes; no JSON, no objects, no schemas. What it costs is the price of the
 * operating system and of `node:net`.
 */

const lengthBytes = 4;

/** Frames after which a batch leaves before the turn is over: the same courtesy that Trunkline grants itself. */
const batchFramesMax = 32;

const slabBytes = 256 * 1024;

/** The first byte on a connection says what the client wants. */
const wanted = { echo: 1, blocks: 2 } as const;

export const socket: Peer = {
  async serve(path) {
    const server = createServer({ highWaterMark: 1024 * 1024 }, (accepted) => {
      accepted.on("error", () => {});
      accepted.once("data", (first) => {
        if (first[0] === wanted.blocks) return sendBlocks(accepted);
        if (first.length > 1) accepted.write(first.subarray(1));
        accepted.on("data", (chunk) => accepted.write(chunk));
      });
    });
    server.listen(path);
    await once(server, "listening");
  },
  async connect(path) {
    const echo = await Echo.dial(path);
    return {
      call: (job: Job) => echo.send(job.bytes),
      isRight: (_job, same) => same === true,
      read: (_flow, over) => readBlocks(path, over),
    } satisfies Connected;
  },
};

/** Connects; `read` borrows what arrives, in one buffer for all reads. */
async function dial(path: string, want: number, read: (chunk: Buffer) => void): Promise<Socket> {
  const callback = (bytes: number, memory: Uint8Array): boolean => {
    read((memory as Buffer).subarray(0, bytes));
    return true;
  };
  const dialled = connect({
    path,
    onread: { buffer: Buffer.allocUnsafeSlow(64 * 1024), callback },
  });
  await once(dialled, "connect");
  dialled.write(Buffer.of(want));
  return dialled;
}

interface Waiting {
  readonly bytes: Buffer;
  readonly resolve: (same: boolean) => void;
}

/** Frames out and the same frames back, in order; those of one turn leave in one write. */
class Echo {
  readonly #waiting: Waiting[] = [];
  #first = 0;
  #slab = Buffer.allocUnsafeSlow(slabBytes);
  #at = 0;
  #frames = 0;
  #flushing = false;
  /** The beginning of a frame whose end has not arrived. */
  readonly #carry = Buffer.allocUnsafeSlow(slabBytes);
  #carried = 0;
  #socket!: Socket;

  static async dial(path: string): Promise<Echo> {
    const echo = new Echo();
    echo.#socket = await dial(path, wanted.echo, (chunk) => echo.#read(chunk));
    return echo;
  }

  send(bytes: Buffer): Promise<boolean> {
    if (this.#at + lengthBytes + bytes.length > this.#slab.length) {
      this.#flush();
      this.#slab = Buffer.allocUnsafeSlow(slabBytes);
    }
    this.#at = this.#slab.writeUInt32BE(bytes.length, this.#at);
    this.#at += bytes.copy(this.#slab, this.#at);
    if (++this.#frames >= batchFramesMax) this.#flush();
    else if (!this.#flushing) {
      this.#flushing = true;
      process.nextTick(this.#endTurn);
    }
    return new Promise((resolve) => this.#waiting.push({ bytes, resolve }));
  }

  readonly #endTurn = (): void => {
    this.#flushing = false;
    this.#flush();
  };

  #flush(): void {
    if (this.#at === 0) return;
    this.#frames = 0;
    this.#socket.write(this.#slab.subarray(0, this.#at));
    this.#slab = this.#slab.subarray(this.#at); // what was written may not have left yet
    this.#at = 0;
  }

  /** What comes back is as long as what went out, so the lengths are known. */
  #read(chunk: Buffer): void {
    for (let at = 0; at < chunk.length;) {
      const { bytes, resolve } = this.#waiting[this.#first]!;
      const missing = lengthBytes + bytes.length - this.#carried;
      const end = at + missing;
      if (end <= chunk.length && this.#carried === 0) {
        resolve(isEcho(bytes, chunk, at, end));
      } else {
        const copied = chunk.copy(this.#carry, this.#carried, at, Math.min(end, chunk.length));
        this.#carried += copied;
        if (copied < missing) return;
        resolve(isEcho(bytes, this.#carry, 0, this.#carried));
        this.#carried = 0;
      }
      this.#answered();
      at = end;
    }
  }

  #answered(): void {
    if (++this.#first < 1024) return;
    this.#waiting.splice(0, this.#first);
    this.#first = 0;
  }
}

function isEcho(bytes: Buffer, memory: Buffer, from: number, to: number): boolean {
  return (
    memory.readUInt32BE(from) === bytes.length &&
    bytes.compare(memory, from + lengthBytes, to) === 0
  );
}

function sendBlocks(accepted: Socket): void {
  let index = 0;
  const more = (): void => {
    while (!accepted.destroyed && accepted.write(blockAt(index++)));
  };
  accepted.on("drain", more);
  more();
}

/** Blocks have one size, so they need no length; each is put together in memory of its own, as its reader would want. */
async function readBlocks(path: string, over: () => boolean): Promise<number> {
  let index = 0;
  let block = Buffer.allocUnsafeSlow(blockBytes);
  let filled = 0;
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  const dialled = await dial(path, wanted.blocks, (chunk) => {
    for (let at = 0; at < chunk.length;) {
      const bytes = chunk.copy(block, filled, at);
      at += bytes;
      filled += bytes;
      if (filled < blockBytes) continue;
      if (!isBlockAt(index, block)) reject(wrong(index));
      index++;
      block = Buffer.allocUnsafeSlow(blockBytes);
      filled = 0;
    }
    if (over()) resolve(index);
  });
  await promise;
  dialled.destroy();
  return promise;
}
