import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { deedsIn, type Deeds } from "./lines.ts";
import type { ServerTerms } from "./server.ts";

/** What comes before the program: `setpriv`, `unshare`, with their arguments. */
export type Wrapped = readonly string[];

/** A process that serves calls. */
export class ServerChild implements AsyncDisposable {
  readonly child: ChildProcess;
  readonly ended: Promise<unknown>;
  /** It has come to the point where it stands still. */
  readonly stands: Promise<void>;
  complaint = "";
  readonly #terms: ServerTerms;
  readonly #listens: Promise<void>;

  constructor(terms: ServerTerms, wrapped: Wrapped = []) {
    this.#terms = terms;
    const [program = process.execPath, ...args]: readonly string[] = [
      ...wrapped,
      process.execPath,
      "--conditions=@trunkline/source",
      join(import.meta.dirname, "server.ts"),
      JSON.stringify(terms),
    ];
    this.child = spawn(program, args, { stdio: ["ignore", "pipe", "pipe"] });
    this.child.stderr!.setEncoding("utf8").on("data", (text: string) => (this.complaint += text));
    this.ended = once(this.child, "exit");
    const { stdout } = this.child;
    const said = (letter: string): Promise<void> =>
      new Promise((resolve) => {
        stdout!.on("data", (text: Buffer) => {
          if (text.toString("latin1").includes(letter)) resolve();
        });
      });
    this.stands = said("S");
    this.#listens = said("L");
  }

  /** Resolves when it listens; rejects when it has ended before. */
  async up(): Promise<this> {
    const how = await Promise.race([this.#listens, this.ended]);
    if (how !== undefined) throw new Error(`the server does not begin: ${this.complaint}`);
    return this;
  }

  /** What each request has done. */
  served(): Deeds {
    return deedsIn(readFileSync(this.#terms.journal, "utf8"));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.child.exitCode === null && this.child.signalCode === null) {
      this.child.kill("SIGKILL");
      await this.ended;
    }
  }
}
