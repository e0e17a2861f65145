import { Socket } from "node:net";

import type { Env } from "../../base/env.ts";
import type { Address } from "../address.ts";
import { framed } from "../framed.ts";
import { connectionsMax } from "../listen-bounds.ts";
import type { Connection, Listener, ListenOptions } from "../transport.ts";
import { checkPipe, letGo, parentPid, sparePrinting } from "./own-pipes.ts";
import { PipeStream } from "./pipe-stream.ts";
import { inUse } from "./refusal.ts";

/** The descriptors of this process that carry frames, or are about to. */
const taken = new Set<number>();

/** The one connection that a child has is there already, to whoever has started it; it is accepted at once. */
export async function listenOnPipes(
  address: Address,
  fds: readonly [read: number, write: number],
  accept: (connection: Connection) => void,
  options: ListenOptions,
  env: Env,
): Promise<Listener> {
  connectionsMax(options);
  if (fds.some((fd) => taken.has(fd))) throw inUse(address, fds);
  for (const fd of fds) checkPipe(address, fd);
  for (const fd of fds) taken.add(fd);
  if (fds[1] === 1) sparePrinting();
  const parent = parentPid();
  const accepted = new Promise<void>((resolve) => {
    env.yield(() => {
      resolve();
      const peer = { address: address.text, sameHost: true, pid: parent };
      accept(framed(takePipes(fds, env), peer, options, env));
    });
  });
  // Who has started us is connected already; to close means only that nobody else will come.
  return { address, close: () => accepted };
}

function takePipes(fds: readonly [read: number, write: number], env: Env): PipeStream {
  const [read, write] = fds;
  const reader = new Socket({ fd: read, readable: true, writable: false });
  const writer = new Socket({ fd: write, readable: false, writable: true });
  reader.once("close", () => release(read));
  writer.once("close", () => {
    // When both close, in this order: who reads the end of the one looks whether the other is there.
    if (reader.destroyed) release(read);
    release(write);
  });
  const stream: PipeStream = new PipeStream(reader, writer, env, (end) =>
    stream.close(end instanceof Error ? end : undefined),
  );
  return stream;
}

function release(fd: number): void {
  if (taken.delete(fd)) letGo(fd);
}
