import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { realEnv } from "../../../base/real-env.ts";
import { addon } from "../../../os/addon.ts";
import { parseAddress } from "../../address.ts";
import { dialFrames } from "../../framed-sockets.ts";
import type { SocketStream } from "../../socket-stream.ts";
import { Recorder } from "../../suite/recorder.ts";
import type { Connection } from "../../transport.ts";
import { reachUnix } from "../../unix/dial.ts";
import { unix } from "../../unix/unix.ts";
import { wordBytes, writeWord } from "../../word.ts";
import { shmMoverOf, shmSettings, type ShmOptions } from "../index.ts";

/** What becomes of a frame: where it stood may be asked. */
export class Taker extends Recorder {
  readonly memories: Buffer[] = [];

  override frame(memory: Buffer, from: number, to: number): void {
    this.memories.push(memory.subarray(from, to));
    super.frame(memory, from, to);
  }
}

export interface Pair {
  readonly near: Recorder;
  readonly far: Taker;
  /** Sends descriptors and a word as a peer does that keeps no rule. */
  forge(fds: number[], word: string): void;
}

/** Two ends of a connection that has moved to shared memory. */
export async function movedPair(t: TestContext, shm: ShmOptions = {}): Promise<Pair> {
  const folder = mkdtempSync(join(tmpdir(), "trunkline-"));
  const env = realEnv();
  const address = parseAddress(`unix:${folder}/x.sock`);
  const transport = unix({ shm });
  const accepted = Promise.withResolvers<Connection>();
  const listener = await transport.listen(address, accepted.resolve, {}, env);
  let socket: SocketStream | undefined;
  const options = { until: env.now() + 10_000 };
  const connection = await dialFrames(reachUnix, address, options, env, (stream, dialled) => {
    socket = stream;
    return shmMoverOf(shmSettings(shm), stream, dialled, env);
  });
  const near = new Recorder(connection).open();
  const far = new Taker(await accepted.promise).open();
  connection.moves!.heard(far.connection.moves!.offer!);
  t.after(async () => {
    for (const each of [near, far]) each.connection.destroy("the test is over");
    await Promise.all([near, far].map((each) => each.until(() => each.closings.length > 0)));
    await listener.close();
    rmSync(folder, { recursive: true });
  });
  for (
    let round = 0;
    connection.moves!.way !== "shm" || far.connection.moves!.way !== "shm";
    round++
  ) {
    plain(connection, Buffer.of(round));
    await far.until(() => far.frames.length > round);
  }
  far.frames.length = far.memories.length = 0;
  const forge = (fds: number[], word: string): void => {
    for (const fd of fds) addon()!.socketSend(socket!.fd, Buffer.of(0x4c), 0, 1, [fd], "");
    const at = connection.claim(wordBytes(word));
    connection.commit(writeWord(connection.outgoing, at, word));
  };
  return { near, far, forge };
}

export function plain(connection: Connection, frame: Buffer): void {
  const at = connection.claim(frame.length);
  connection.commit(at + frame.copy(connection.outgoing, at));
}

/** Whether the bytes went beside the frame, as its data. */
export function lent(connection: Connection, bytes: Uint8Array, frame: Buffer): boolean {
  if (connection.lend?.(bytes, frame.length) !== true) return false;
  plain(connection, frame);
  return true;
}

/** How many this process has. */
export function descriptors(): number {
  return readdirSync("/proc/self/fd").length;
}
