import { isMainThread, postMessageToThread, type MessagePort } from "node:worker_threads";

import { realEnv } from "../../base/real-env.ts";

/** Asks the main thread to listen under a name, or to be put through to who does; the answer comes on `port`. */
export interface Request {
  readonly act: "listen" | "dial";
  readonly name: string;
  readonly port: MessagePort;
  /** The thread that asks. */
  readonly from: number;
}

/** What a dialler hears first: from the main thread that nobody is there, or from the listener in which thread it is. */
export type DialAnswer = "nobody" | { readonly accepted: number };

/** What a listener hears: once how its request went, then who dials, for each connection. */
export type LineMessage = "listening" | "taken" | "full" | Dialled;

/** A connection that was put through, and the thread at its other end. */
export interface Dialled {
  readonly port: MessagePort;
  readonly from: number;
}

/**
 * Turns that a name in use is waited for: the port of a thread that has ended tells it two turns after the thread did.
 */
const closingTurns = 4;

/** Names in one process; far more threads than a process can have. */
const namesMax = 10_000;

const mainThreadId = 0;

/** Marks our messages among others that threads may send each other. The number rises when the messages change. */
const mark = "trunkline.worker/2";

/** One for the whole process, whatever copies of this package it has loaded: all would answer the same request. */
const shared: unique symbol = Symbol.for(mark) as never;
const owner = globalThis as { [shared]?: Map<string, MessagePort> };

/**
 * Makes the main thread the one that knows who listens under which name. It only puts through; what the threads say
 * then goes directly from one to the other. In other threads this does nothing.
 */
export function openSwitchboard(): void {
  if (!isMainThread || owner[shared] !== undefined) return;
  owner[shared] = new Map();
  process.on("workerMessage", (message: unknown) => {
    if (isRequest(message)) answer(message[mark]);
  });
}

/** Sends a request to the main thread, from wherever this is. Rejects when nobody there takes it. */
export async function ask(request: Request): Promise<void> {
  if (isMainThread) answer(request);
  else await postMessageToThread(mainThreadId, { [mark]: request }, [request.port]);
}

function isRequest(message: unknown): message is { [mark]: Request } {
  return typeof message === "object" && message !== null && mark in message;
}

function answer(request: Request): void {
  const lines = owner[shared]!;
  if (request.act === "dial") dial(lines, request);
  else listen(lines, request, closingTurns);
}

function dial(lines: ReadonlyMap<string, MessagePort>, { name, port, from }: Request): void {
  const line = lines.get(name);
  if (line !== undefined) return line.postMessage({ port, from } satisfies LineMessage, [port]);
  refuse(port, "nobody");
}

/** Keeps the port as the line to the listener. The name is free again when the line is closed, by whichever side. */
function listen(lines: Map<string, MessagePort>, request: Request, turns: number): void {
  const { name, port } = request;
  if (lines.has(name) && turns > 0) {
    return realEnv().yield(() => listen(lines, request, turns - 1));
  }
  if (lines.has(name)) return refuse(port, "taken");
  if (lines.size >= namesMax) return refuse(port, "full");
  lines.set(name, port);
  const hangUp = (): void => {
    if (lines.get(name) === port) lines.delete(name);
    port.close();
  };
  // A message on the line means that the listener closes: what was put through before still reaches it.
  port.on("message", hangUp).on("close", hangUp);
  // The one who listens keeps its thread alive; who only knows about it does not.
  port.unref();
  port.postMessage("listening" satisfies LineMessage);
}

function refuse(port: MessagePort, why: DialAnswer | LineMessage): void {
  port.postMessage(why);
  port.close();
}
