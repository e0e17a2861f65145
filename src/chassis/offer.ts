import type { Dispatcher, ServedOperation } from "../protocol/protocol.ts";
import type { Address } from "../transport/address.ts";

/** Transports that only the same host can reach: who is there may see what is there. */
const nearTransports: ReadonlySet<string> = new Set([
  "memory",
  "worker",
  "stdio",
  "unix",
  "fifo",
  "unixpacket",
]);

/** True where a process describes itself without being asked to. */
export function near({ transport }: Address): boolean {
  return nearTransports.has(transport);
}

/** What one address offers: the services given, then Trunkline's own. */
export class Offer implements Dispatcher {
  readonly #parts: readonly Dispatcher[];

  constructor(parts: readonly Dispatcher[]) {
    this.#parts = parts;
  }

  list(): readonly ServedOperation[] {
    return this.#parts.flatMap((part) => part.list());
  }

  find(contract: string, major: number | undefined, member: string): ServedOperation | undefined {
    let highest: ServedOperation | undefined;
    for (const part of this.#parts) {
      const found = part.find(contract, major, member);
      if (found === undefined) continue;
      if (major !== undefined) return found;
      if (found.operation.owner.major > (highest?.operation.owner.major ?? -1)) highest = found;
    }
    return highest;
  }
}
