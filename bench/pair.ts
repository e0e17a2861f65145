import { join } from "node:path";
import { start, type Child } from "./child.ts";
import type { ClientAnswer, ClientQuestion } from "./client.ts";
import type { ServerQuestion } from "./server.ts";

/** What one measurement gave, the cost of both sides with it. */
export interface Sample extends ClientAnswer {
  /** Processor time of client and server together for one call or item, in microseconds. */
  readonly cpuUsEach: number;
}

/** A peer's two processes: they idle while another peer is measured. */
export class Pair {
  readonly peer: string;
  readonly #server: Child<ServerQuestion, number>;
  readonly #client: Child<ClientQuestion, ClientAnswer>;

  /** The socket file is made in `folder`. */
  static async start(peer: string, folder: string, nodeOptions: readonly string[]): Promise<Pair> {
    const path = join(folder, `${peer.replaceAll(" ", "-")}.sock`);
    const server = await start<ServerQuestion, number>("server.ts", [peer, path], nodeOptions);
    const client = await start<ClientQuestion, ClientAnswer>(
      "client.ts",
      [peer, path],
      nodeOptions,
    );
    return new Pair(peer, server, client);
  }

  private constructor(
    peer: string,
    server: Child<ServerQuestion, number>,
    client: Child<ClientQuestion, ClientAnswer>,
  ) {
    this.peer = peer;
    this.#server = server;
    this.#client = client;
  }

  async measure(question: ClientQuestion): Promise<Sample> {
    const before = await this.#server.ask({ ask: "cpu" });
    const answer = await this.#client.ask(question);
    const serverUs = (await this.#server.ask({ ask: "cpu" })) - before;
    return { ...answer, cpuUsEach: (answer.cpuUs + serverUs) / answer.count };
  }

  async end(): Promise<void> {
    await this.#client.end();
    await this.#server.end();
  }
}
