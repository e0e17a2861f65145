import { join } from "node:path";
import { start, type Child } from "../bench/child.ts";

/** A server that drains has ten seconds; then it has to be gone. */
const endsWithinMs = 15_000;

/** Another process may have taken the port for a moment. */
const startsMax = 5;

/** A server that ends now and then, once in order and once by SIGKILL, and comes back at the same addresses. */
export class Restarted {
  readonly addresses: readonly string[];
  count = 0;
  readonly failures: string[] = [];
  readonly #folder: string;
  #server: Child<object, unknown>;

  static async start(folder: string): Promise<Restarted> {
    const server = await startAt(folder, [
      `unix:${join(folder, "restarted.sock")}`,
      "tcp://127.0.0.1:0",
    ]);
    const { addresses } = JSON.parse(server.about) as { addresses: string[] };
    return new Restarted(folder, addresses, server);
  }

  private constructor(
    folder: string,
    addresses: readonly string[],
    server: Child<object, unknown>,
  ) {
    this.#folder = folder;
    this.addresses = addresses;
    this.#server = server;
  }

  async restart(): Promise<void> {
    const signal = this.count++ % 2 === 0 ? "SIGTERM" : "SIGKILL";
    const code = await this.#server.kill(signal, endsWithinMs);
    if (signal === "SIGTERM" && code !== 0)
      this.failures.push(`after SIGTERM the server ended with ${code ?? "SIGKILL, it hung"}`);
    for (let attempt = 1; ; attempt++) {
      try {
        this.#server = await startAt(this.#folder, this.addresses);
        return;
      } catch (error) {
        if (attempt === startsMax) throw error;
      }
    }
  }

  async end(): Promise<void> {
    await this.#server.end();
  }
}

function startAt(folder: string, addresses: readonly string[]): Promise<Child<object, unknown>> {
  const program = join(import.meta.dirname, "server.ts");
  return start(program, [folder, ...addresses], ["--expose-gc"]);
}
