import { closeSync, fstatSync, readSync, unlinkSync, writeSync } from "node:fs";
import { readdir, unlink } from "node:fs/promises";
import { dirname } from "node:path";

import type { Env } from "../../base/env.ts";
import { makeFolders } from "../../base/folders.ts";
import type { Address } from "../address.ts";
import { framed } from "../framed.ts";
import { connectionsMax } from "../listen-bounds.ts";
import type { Connection, Listener, ListenOptions } from "../transport.ts";
import { hiddenPath, statOf } from "../unix/owner.ts";
import { listenRefused } from "../unix/refusal.ts";
import { publish, withdraw } from "../unix/socket-file.ts";
import { bindHidden } from "../unix/socket-place.ts";
import { fifoStream, readingPipe } from "./fifo-stream.ts";
import { lineEnd, no, pipesAmong, pipesOf, yes } from "./meeting.ts";
import { makePipe, openPipe, pipeFile } from "./named-pipe.ts";

/** As many characters of a line as are kept until its end comes; those of ours have 14. */
const lineMax = 64;

/** Reads announcements from the pipe that has the address. */
export async function listenFifo(
  address: Address,
  accept: (connection: Connection) => void,
  options: ListenOptions,
  env: Env,
): Promise<Listener> {
  const max = connectionsMax(options);
  const path = address.place;
  const hidden = hiddenPath(path);
  const fd = await published(hidden, address);
  const own = (await statOf(hidden))!;
  await removeLeftOver(path);
  let open = 0;
  const meet = (word: string): void => {
    const pipes = openPipes(path, word);
    if (pipes === undefined) return;
    const { read, write, uid } = pipes;
    const taken = open < max;
    if (!answered(write, taken ? yes : no) || !taken) {
      closeSync(read);
      return closeSync(write);
    }
    open++;
    const stream = fifoStream(readingPipe(read), write, env, () => open--);
    accept(framed(stream, { address: address.text, sameHost: true, uid }, options, env));
  };
  const lines = new Lines(meet);
  const meeting = readingPipe(fd).on("data", (chunk: Buffer) => lines.add(chunk));
  // What this could be nobody knows; connections that are open go on.
  meeting.on("error", () => {});
  let closing: Promise<void> | undefined;
  const close = async (): Promise<void> => {
    await withdraw(path, own);
    // Who has announced itself before the name was gone is accepted still.
    meeting.pause();
    for (let bytes = lines.read(fd); bytes > 0;) bytes = lines.read(fd);
    await new Promise<void>((resolve) => meeting.once("close", resolve).destroy());
    await unlink(hidden).catch(() => undefined);
  };
  return { address, close: () => (closing ??= close()) };
}

/** Makes the pipe under its hidden name, opens it, and only then gives it its public one: who finds it there finds somebody who reads. */
async function published(hidden: string, address: Address): Promise<number> {
  let fd: number | undefined;
  try {
    await makeFolders(dirname(hidden));
    await bindHidden(makePipe, hidden, address, pipeFile);
    fd = openPipe(hidden, "both");
    await publish(hidden, address, pipeFile);
    return fd;
  } catch (error) {
    if (fd !== undefined) {
      closeSync(fd);
      await unlink(hidden).catch(() => undefined);
    }
    throw await listenRefused(address, error);
  }
}

/** Pipes of connections that were never made: who has made them died in between, and holds no end of them any more. */
async function removeLeftOver(path: string): Promise<void> {
  const names = await readdir(dirname(path)).catch((): string[] => []);
  for (const name of pipesAmong(path, names)) {
    if ((await pipeFile.probe(name)) === "dead") await unlink(name).catch(() => undefined);
  }
}

/** Both pipes that somebody has announced; undefined: it is gone already, or has announced something else. */
function openPipes(
  path: string,
  word: string,
): { read: number; write: number; uid: number } | undefined {
  const names = pipesOf(path, word);
  if (names === undefined) return undefined;
  let write: number | undefined;
  try {
    write = openPipe(names.down, "write");
    const read = openPipe(names.up, "read");
    removeName(names.up);
    removeName(names.down);
    return { read, write, uid: fstatSync(read).uid };
  } catch {
    if (write !== undefined) closeSync(write);
    return undefined;
  }
}

/** False: it has died since, or has filled its pipe itself. */
function answered(fd: number, answer: string): boolean {
  try {
    writeSync(fd, answer);
    return true;
  } catch {
    return false;
  }
}

function removeName(path: string): void {
  try {
    unlinkSync(path);
  } catch {
    // In a folder with the sticky bit only its owner may, and does.
  }
}

/** Cuts what is announced into lines; longer ones than there are are nobody's. */
class Lines {
  readonly #meet: (word: string) => void;
  readonly #memory: Buffer = Buffer.alloc(4096);
  #rest = "";

  constructor(meet: (word: string) => void) {
    this.#meet = meet;
  }

  add(bytes: Buffer): void {
    const lines = (this.#rest + bytes.toString("latin1")).split(lineEnd);
    this.#rest = lines.pop()!.slice(0, lineMax);
    for (const line of lines) if (line !== "") this.#meet(line);
  }

  /** Adds what is in the pipe; how many bytes that were, 0 when there are no more. */
  read(fd: number): number {
    try {
      const bytes = readSync(fd, this.#memory);
      this.add(this.#memory.subarray(0, bytes));
      return bytes;
    } catch {
      return 0; // EAGAIN
    }
  }
}
