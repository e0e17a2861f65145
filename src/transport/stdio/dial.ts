import { spawn, type ChildProcess, type StdioOptions as ChildStdio } from "node:child_process";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";

import type { Env } from "../../base/env.ts";
import type { Address } from "../address.ts";
import { framed } from "../framed.ts";
import { outgoingBounds } from "../outgoing-bounds.ts";
import type { Connection, DialOptions } from "../transport.ts";
import { ChildExit } from "./child-exit.ts";
import type { ChildProgram } from "./options.ts";
import { PipeStream } from "./pipe-stream.ts";
import { notInTime, spawnRefused } from "./refusal.ts";

/** Starts the program; its pipes are the connection. */
export async function dialChild(
  address: Address,
  program: ChildProgram,
  options: DialOptions,
  env: Env,
): Promise<Connection> {
  // Refuses options with which no connection can be made, before anything is started.
  outgoingBounds(options);
  if (env.now() >= options.until) throw notInTime(address);
  let child: ChildProcess;
  try {
    child = await start(program);
  } catch (error) {
    throw spawnRefused(address, program, error as NodeJS.ErrnoException);
  }
  const { fds, stderr, exitMs } = program;
  if (typeof stderr === "function") {
    const text = child.stderr as Socket;
    text.setEncoding("utf8").on("data", stderr);
    // Somebody else, a child of the child, may hold it open for ever.
    child.once("exit", () => text.unref());
  }
  const [writer, reader] = fds.map((fd) => child.stdio[fd] as Duplex) as [Duplex, Duplex];
  const stream = new PipeStream(reader, writer, env, (end) => exit.pipesOver(end));
  const exit = new ChildExit(child, program.command, stream, exitMs, env);
  const peer = { address: address.text, sameHost: true, pid: child.pid! };
  return framed(stream, peer, options, env);
}

/** The process, as soon as it runs. */
function start(program: ChildProgram): Promise<ChildProcess> {
  const { command, args = [], env, cwd } = program;
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      stdio: descriptorsOf(program),
      windowsHide: true,
      ...(env === undefined ? {} : { env }),
      ...(cwd === undefined ? {} : { cwd }),
    });
    // A later error is that of a signal that could not be sent; the child's exit is told all the same.
    child.on("error", reject).once("spawn", () => resolve(child));
  });
}

/** What the child finds behind its descriptors. */
function descriptorsOf({ fds, stderr }: ChildProgram): ChildStdio {
  const list: ("pipe" | "ignore" | "inherit")[] = ["ignore", "inherit"];
  list[2] = typeof stderr === "function" ? "pipe" : stderr;
  while (list.length <= Math.max(...fds)) list.push("ignore");
  for (const fd of fds) list[fd] = "pipe";
  return list;
}
