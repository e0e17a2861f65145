import { closeSync, constants, fstatSync, openSync, readSync, writeSync } from "node:fs";
import type { Addon, Watch } from "../../os/addon.ts";
import { failedFile, unfit } from "./refusal.ts";

/*
 * A named pipe beside the ring, `PATH.bell`, from which whoever reads the ring is woken. Unlike a socket it is the same one after its reader
 * has died, and the length of its path is not bounded.
 */

export function bellPath(path: string): string {
  return `${path}.bell`;
}

/** Rings the bell of a ring. */
export class BellRope {
  readonly #path: string;
  readonly #stroke: Buffer = Buffer.of(1);
  #fd: number | undefined;

  constructor(path: string) {
    this.#path = bellPath(path);
  }

  /** Where nobody hears it, nothing happens: whoever comes looks first. */
  ring(): void {
    for (const _ of ["the pipe that is open", "the one that is there now"]) {
      try {
        this.#fd ??= openSync(this.#path, ringing);
        writeSync(this.#fd, this.#stroke);
        return;
      } catch (error) {
        // A full one is heard all the same.
        if ((error as NodeJS.ErrnoException).code === "EAGAIN") return;
        this.close();
      }
    }
  }

  close(): void {
    if (this.#fd !== undefined) closeSync(this.#fd);
    this.#fd = undefined;
  }
}

const { O_WRONLY, O_RDWR, O_NONBLOCK, O_NOFOLLOW } = constants;
const ringing = O_WRONLY | O_NONBLOCK | O_NOFOLLOW;

/** Hears the bell of a ring, for as long as it is needed: by whoever has the readers' lock. */
export class BellEar {
  readonly #os: Addon;
  readonly #fd: number;
  readonly #watch: Watch;
  readonly #strokes: Buffer = Buffer.alloc(4_096);

  /** @throws TrunklineError where there can be no pipe. */
  constructor(os: Addon, path: string, heard: () => void) {
    this.#os = os;
    this.#fd = openPipe(os, bellPath(path));
    try {
      this.#watch = os.watchStart(this.#fd, os.readable, false, () => {
        this.#empty();
        heard();
      });
    } catch (error) {
      closeSync(this.#fd);
      throw failedFile(bellPath(path), error);
    }
  }

  close(): void {
    this.#os.watchStop(this.#watch);
    closeSync(this.#fd);
  }

  #empty(): void {
    try {
      while (readSync(this.#fd, this.#strokes) === this.#strokes.length);
    } catch {
      // It is empty.
    }
  }
}

/** For both directions, so that it never ends: it has a writer. */
function openPipe(os: Addon, path: string): number {
  os.fifoCreate(path, 0o600); // where that fails, opening it says why
  let fd: number;
  try {
    fd = openSync(path, O_RDWR | O_NONBLOCK | O_NOFOLLOW);
  } catch (error) {
    throw failedFile(path, error);
  }
  if (fstatSync(fd).isFIFO()) return fd;
  closeSync(fd);
  throw unfit(path, "is no pipe, and a ring needs one of that name", "remove it");
}
