import { existsSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";

import { secretBytes } from "../../base/secret.ts";
import { newDoorPath, removeLeftOver } from "./door-folder.ts";
import { tokenBytes } from "./offer.ts";

/** Somebody who is expected at the door, by token. */
export interface Expected {
  readonly path: string;
  readonly token: Buffer;
  /** Nobody is let in by this token any more. Idempotent. */
  forget(): void;
}

/** Past so many who are expected, no more are: a peer that knows the way comes within a few milliseconds. */
const expectedMax = 10_000;

/** Past so many who stand at the door and have not said their token, the first of them is sent away. */
const standingMax = 64;

/** For `expect`: the door of this process, or thread, while anybody is expected. */
let door: Door | undefined;
let doorPath: string | undefined;

/**
 * Expects a connection at the one Unix socket that this process has for all of them, and calls `entered` with it, paused; undefined
 * where there is no such socket. It listens, and its file is there, only while somebody is expected.
 */
export function expect(entered: (socket: Socket) => void): Expected | undefined {
  if (door === undefined) {
    const first = doorPath === undefined;
    doorPath ??= newDoorPath();
    if (doorPath === undefined) return undefined;
    const opened = new Door(doorPath);
    if (!opened.open) return undefined;
    door = opened;
    if (first) void removeLeftOver(doorPath);
  }
  return door.expect(entered);
}

class Door {
  readonly #path: string;
  readonly #server: Server;
  readonly #expected = new Map<string, (socket: Socket) => void>();
  readonly #standing = new Set<Socket>();

  constructor(path: string) {
    this.#path = path;
    this.#server = createServer({ allowHalfOpen: true, pauseOnConnect: true }, (socket) =>
      this.#stands(socket),
    );
    // What fails later is a single accept; whoever is not let in stays where it is.
    this.#server.on("error", () => {});
    // A path is bound at once, in a worker of a cluster too; the folder keeps others out.
    this.#server.listen({ path, exclusive: true }).unref();
  }

  get open(): boolean {
    return this.#server.listening && existsSync(this.#path);
  }

  expect(entered: (socket: Socket) => void): Expected | undefined {
    if (this.#expected.size >= expectedMax) return undefined;
    const token = Buffer.from(secretBytes(tokenBytes));
    const name = token.toString("latin1");
    this.#expected.set(name, entered);
    return { path: this.#path, token, forget: () => this.#forget(name) };
  }

  #forget(name: string): void {
    if (!this.#expected.delete(name) || this.#expected.size > 0) return;
    if (door === this) door = undefined;
    this.#server.close();
    for (const socket of this.#standing) socket.destroy();
  }

  #stands(socket: Socket): void {
    this.#standing.add(socket);
    const left = (): void => {
      this.#standing.delete(socket);
      socket.destroy();
    };
    socket.on("error", left).once("end", left).once("close", left);
    // So few bytes that are written at once arrive at once.
    socket.once("data", (token: Buffer) => {
      socket.pause().off("end", left).off("close", left);
      this.#standing.delete(socket);
      const name = token.toString("latin1");
      const entered = this.#expected.get(name);
      if (entered === undefined) return void socket.destroy();
      entered(socket);
      socket.off("error", left);
      this.#forget(name);
    });
    socket.resume();
    const [first] = this.#standing;
    if (this.#standing.size > standingMax) first?.destroy();
  }
}
