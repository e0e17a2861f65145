/**
 * How much shared memory a process has mapped, for all its connections together: its own segments, and those of other sides. Who
 * takes more than there may be stays on the socket, which needs none.
 */
export class ProcessMemory {
  #bytes = 0;

  /** What is taken now, in bytes. */
  get bytes(): number {
    return this.#bytes;
  }

  /** False, and nothing is taken, when it would be more than `most` then. */
  take(bytes: number, most: number): boolean {
    if (this.#bytes + bytes > most) return false;
    this.#bytes += bytes;
    return true;
  }

  give(bytes: number): void {
    this.#bytes -= bytes;
  }
}

/** That of this process. */
export const processMemory: ProcessMemory = new ProcessMemory();

const bytesMost = 256 * 1024 * 1024;

/** What all connections of a process take when nobody says otherwise, in bytes. `allowed`: what its cgroup lets it have; 0: nobody knows. */
export function processBytesDefault(allowed: number = allowedBytes()): number {
  return allowed > 0 ? Math.min(bytesMost, Math.floor(allowed / 4)) : bytesMost;
}

/** Not every program that runs JavaScript tells. */
function allowedBytes(): number {
  const asked = process.constrainedMemory as NodeJS.Process["constrainedMemory"] | undefined;
  return asked?.() ?? 0;
}
