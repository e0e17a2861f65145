import { readFileSync } from "node:fs";
import { endianness } from "node:os";

/**
 * What the system threw away because a socket had no room: on Linux the last column of /proc/net/udp, in the row of the socket. Where
 * that cannot be read, or several sockets share a port, nobody knows.
 */
export class Drops {
  readonly #table: string;
  readonly #port: string;
  readonly #host: string;
  #last: number | undefined;
  #closed = false;

  constructor(
    { address, port }: { readonly address: string; readonly port: number },
    ipv6: boolean,
  ) {
    this.#table = ipv6 ? "/proc/net/udp6" : "/proc/net/udp";
    this.#port = port.toString(16).toUpperCase().padStart(4, "0");
    this.#host = ipv6 ? "" : hexOf(address);
  }

  /** Undefined: nobody knows. */
  get count(): number | undefined {
    return this.#closed ? this.#last : this.#read();
  }

  /** The socket is about to be closed, and its row with it. */
  last(): void {
    if (this.#closed) return;
    this.#last = this.#read();
    this.#closed = true;
  }

  #read(): number | undefined {
    let text: string;
    try {
      text = readFileSync(this.#table, "latin1");
    } catch {
      return undefined;
    }
    const rows = text
      .split("\n")
      .map((line) => line.trim().split(/\s+/))
      .filter(([, local = ""]) => local.startsWith(this.#host) && local.endsWith(`:${this.#port}`));
    if (rows.length !== 1) return undefined;
    const drops = Number(rows[0]!.at(-1));
    return Number.isInteger(drops) ? drops : undefined;
  }
}

/** An IPv4 address as the table has it: eight digits, in the order of the machine. */
function hexOf(address: string): string {
  const bytes = address.split(".").map((part) => Number(part).toString(16).padStart(2, "0"));
  return (endianness() === "LE" ? bytes.toReversed() : bytes).join("").toUpperCase();
}
