import { chownSync, closeSync, fstatSync, writeSync } from "node:fs";
import { unlink } from "node:fs/promises";
import type { Socket } from "node:net";

import { alarmAt, sleep } from "../../base/alarm.ts";
import { backoff } from "../../base/backoff.ts";
import type { Env } from "../../base/env.ts";
import { isTrunklineError, systemError, type SystemError } from "../../base/error.ts";
import type { Address } from "../address.ts";
import { framed } from "../framed.ts";
import { outgoingBounds } from "../outgoing-bounds.ts";
import type { Connection, DialOptions } from "../transport.ts";
import { denied, dialRefused, notInTime } from "../unix/refusal.ts";
import { statOf } from "../unix/owner.ts";
import { fifoStream, readingPipe } from "./fifo-stream.ts";
import { lineEnd, newWord, pipesOf, yes } from "./meeting.ts";
import { makePipe, openPipe, pipeFile } from "./named-pipe.ts";

/** How long to wait, in milliseconds, before a meeting point that was full is tried again. */
const retry = { baseMs: 2, capMs: 50 } as const;

/** How often, in milliseconds, is asked whether who listens still reads. */
const askMs = 50;

/** Announces two pipes of its own at the pipe that has the address, and waits for the answer. */
export async function dialFifo(
  address: Address,
  options: DialOptions,
  env: Env,
): Promise<Connection> {
  outgoingBounds(options);
  const { until } = options;
  if (env.now() >= until) throw notInTime(address, undefined);
  /** Closed when the dial is over, whatever has come of it. */
  const held: number[] = [];
  let pipes: OwnPipes | undefined;
  try {
    const meeting = openPipe(address.place, "write");
    held.push(meeting);
    const { uid } = fstatSync(meeting);
    pipes = await ownPipes(address, uid, env);
    held.push(...pipes.held);
    await announce(meeting, pipes.word + lineEnd, until, env);
    const answer = await answered(pipes.reader, meeting, until, env);
    if (answer === undefined) throw notInTime(address, undefined);
    if (answer !== yes) throw full(address);
    const stream = fifoStream(pipes.reader, pipes.write, env, () => {});
    const peer = { address: address.text, sameHost: true, uid };
    return framed(stream, peer, options, env);
  } catch (error) {
    if (pipes !== undefined) {
      pipes.reader.destroy();
      closeSync(pipes.write);
    }
    if ((error as { code?: unknown }).code === "EAGAIN") throw notInTime(address, undefined);
    if (isTrunklineError(error)) throw error;
    throw await dialRefused(address, error as NodeJS.ErrnoException, pipeFile);
  } finally {
    for (const fd of held) closeSync(fd);
    // Who listens has done it already, unless it could not.
    for (const name of pipes?.names ?? []) await unlink(name).catch(() => undefined);
  }
}

interface OwnPipes {
  readonly word: string;
  readonly names: readonly string[];
  readonly reader: Socket;
  readonly write: number;
  /** The ends of the other side, held until it has opened them itself: a pipe without a writer is at its end. */
  readonly held: readonly number[];
}

/** Makes the two pipes of a connection and opens both ends of each. */
async function ownPipes(address: Address, uid: number, env: Env): Promise<OwnPipes> {
  const word = newWord(env.random);
  const { up, down } = pipesOf(address.place, word)!;
  const names = [up, down];
  const opened: number[] = [];
  try {
    for (const name of names) {
      await makePipe(name);
      giveTo(uid, name);
    }
    // To open for writing, somebody has to read already.
    for (const how of ["read", "write"] as const)
      for (const name of names) opened.push(openPipe(name, how));
  } catch (error) {
    for (const fd of opened) closeSync(fd);
    for (const name of names) await unlink(name).catch(() => undefined);
    const { code } = error as NodeJS.ErrnoException;
    if (code !== "EACCES" && code !== "EROFS") throw error;
    const folder = address.place.slice(0, address.place.lastIndexOf("/")) || "/";
    throw denied(address, folder, await statOf(folder), error, ownFolder);
  }
  const [upRead, read, write, downWrite] = opened as [number, number, number, number];
  return { word, names, reader: readingPipe(read), write, held: [upRead, downWrite] };
}

const ownFolder = "who dials makes two pipes there: let it write to the folder";

/** Root may dial a process of another user, which could not open what belongs to root. */
function giveTo(uid: number, name: string): void {
  try {
    chownSync(name, uid, -1);
  } catch {
    // We are not root; then it is root that listens, or somebody who cannot be reached, and the dial ends by its time.
  }
}

/** Writes to the meeting point, again while it is full. Rejects with EPIPE when nobody reads it any more, EAGAIN when it stays full. */
async function announce(fd: number, line: string, until: number, env: Env): Promise<void> {
  for (let failures = 0; ; failures++) {
    try {
      writeSync(fd, line);
      return;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EAGAIN") throw error;
      const waitMs = backoff(failures, retry, env.random);
      if (env.now() + waitMs >= until) throw error;
      await sleep(env, waitMs);
    }
  }
}

/** The byte that comes back; undefined when none does in time. Rejects with EPIPE when nobody is there to give it. */
function answered(
  reader: Socket,
  meeting: number,
  until: number,
  env: Env,
): Promise<string | undefined> {
  return new Promise((resolve, reject) => {
    const settle = (): void => {
      env.clear(alarm);
      reader.off("readable", onReadable).off("error", onError);
    };
    const onReadable = (): void => {
      const byte = reader.read(1) as Buffer | null;
      if (byte === null) return;
      settle();
      resolve(byte.toString());
    };
    const onError = (error: Error): void => {
      settle();
      reject(error);
    };
    const ask = (): void => {
      if (env.now() >= until) {
        settle();
        return resolve(undefined);
      }
      try {
        writeSync(meeting, lineEnd);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== "EAGAIN") return onError(error as Error);
      }
      alarm = alarmAt(env, Math.min(until, env.now() + askMs), ask);
    };
    let alarm = alarmAt(env, Math.min(until, env.now() + askMs), ask);
    reader.on("readable", onReadable).on("error", onError);
  });
}

function full(address: Address): SystemError {
  const reason = "who listens there has all the connections that it takes";
  return systemError("UNAVAILABLE", reason, {
    executed: "no",
    endpoint: address.text,
    advice: "raise its connectionsMax, or close connections",
  });
}
