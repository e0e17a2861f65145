import { connect } from "node:net";

/**
 * What connecting to a path tells: `alive`: somebody listens. `dead`: it is a left-over socket, or no socket. `gone`:
 * there is nothing. `denied`: we may not ask.
 */
export type Life = "alive" | "dead" | "gone" | "denied";

const lives: Readonly<Record<string, Life>> = {
  EAGAIN: "alive", // its accept queue is full
  EPROTOTYPE: "alive", // a socket of another type, with somebody behind it
  ECONNREFUSED: "dead",
  ENOENT: "gone",
  EACCES: "denied",
  EPERM: "denied",
};

/** Asks whether somebody listens at the path. A local socket answers at once, even when its process stands still. */
export function probe(path: string): Promise<Life> {
  return new Promise((resolve, reject) => {
    const socket = connect({ path });
    socket.on("connect", () => {
      socket.destroy();
      resolve("alive");
    });
    socket.on("error", (error: NodeJS.ErrnoException) => {
      const life = lives[error.code ?? ""];
      if (life === undefined) reject(error);
      else resolve(life);
    });
  });
}
