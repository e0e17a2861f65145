import { execFile, spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import type { Airport } from "../contracts/flight.ts";

const program = fileURLToPath(new URL("../guest/guest.py", import.meta.url));
const asksEveryMs = 20;

/** Where a Python with grpcio may be: what the tests have made for themselves, or the machine's own. */
const pythons = [
  fileURLToPath(new URL("../../.cache/foreign/grpc-python/bin/python", import.meta.url)),
  "python3",
];

/** A client of a tower in another language, where the machine has that: Python, over gRPC. */
export class Foreigner {
  /** Answers that were what the file says, and NOT_FOUND where there is no such airport. */
  asked = 0;
  readonly wrong: string[] = [];
  /** `Python, grpcio 1.76.0`; undefined: there is none on this machine. */
  who: string | undefined;
  readonly #socket: string;
  readonly #airports: readonly Airport[];

  constructor(socket: string, airports: readonly Airport[]) {
    this.#socket = socket;
    this.#airports = airports;
  }

  /** Asks about one airport after the other, until `signal` aborts. */
  async ask(signal: AbortSignal): Promise<void> {
    const python = await pythonWithGrpc();
    if (python === undefined) return;
    const child = spawn(python, [program, this.#socket], { stdio: ["pipe", "pipe", "inherit"] });
    const end = (): void => void child.kill("SIGKILL");
    process.once("exit", end);
    try {
      await this.#talk(child, signal);
    } finally {
      child.stdin.end();
      if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
      process.off("exit", end);
    }
  }

  async #talk(child: ChildProcess, signal: AbortSignal): Promise<void> {
    const lines = createInterface({ input: child.stdout! })[Symbol.asyncIterator]();
    const answer = async (): Promise<Readonly<Record<string, string>> | undefined> => {
      const line = await lines.next();
      return line.done === true ? undefined : (JSON.parse(line.value) as Record<string, string>);
    };
    const hello = await answer();
    if (hello === undefined) return void this.wrong.push("the guest did not come");
    this.who = `Python, grpcio ${hello["grpc"]}`;
    for (let turn = 0; !signal.aborted; turn++) {
      const { iata, name } = this.#airports[turn % this.#airports.length]!;
      const strange = turn % 25 === 0;
      child.stdin!.write(`${strange ? "???" : iata}\n`);
      const told = await answer();
      if (told === undefined) return void this.wrong.push("the guest has gone");
      if (strange ? told["code"] === "NOT_FOUND" : told["name"] === name) this.asked++;
      else this.wrong.push(`airport ${iata}: ${JSON.stringify(told)}`);
      await sleep(asksEveryMs, undefined, { signal }).catch(() => {});
    }
  }
}

async function pythonWithGrpc(): Promise<string | undefined> {
  for (const python of pythons) {
    if (python.includes("/") && !existsSync(python)) continue;
    const found = await promisify(execFile)(python, ["-c", "import grpc"]).then(
      () => true,
      () => false,
    );
    if (found) return python;
  }
  return undefined;
}
