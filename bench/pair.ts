import { start, type Child } from "./child.ts";
import type { ClientAnswer, ClientQuestion } from "./client.ts";
import type { Listed } from "./peers.ts";
import type { ServerQuestion } from "./server.ts";

/** What one measurement gave, the cost of both sides with it. */
export interface Sample extends ClientAnswer {
  /** Processor time of client and server together for one call or item, in microseconds. */
  readonly cpuUsEach: number;
}

type Client = Child<ClientQuestion, ClientAnswer>;
type Server = Child<ServerQuestion, number>;

/** A peer's two processes, or the one that is both sides: they idle while another peer is measured. */
export class Pair {
  readonly peer: Listed;
  readonly #server: Server | undefined;
  readonly #client: Client;

  /** What the peer makes of files is made in `folder`. */
  static async start(
    peer: Listed,
    folder: string,
    nodeOptions: readonly string[] = [],
  ): Promise<Pair> {
    const { serve } = await peer.load();
    const server: Server | undefined =
      serve === undefined ? undefined : await start("server.ts", [peer.name, folder], nodeOptions);
    const place = server?.about ?? "";
    const client: Client = await start("client.ts", [peer.name, place], nodeOptions);
    return new Pair(peer, server, client);
  }

  private constructor(peer: Listed, server: Server | undefined, client: Client) {
    this.peer = peer;
    this.#server = server;
    this.#client = client;
  }

  /** Where the server is reached. */
  get place(): string {
    return this.#server?.about ?? "";
  }

  async measure(question: ClientQuestion): Promise<Sample> {
    const before = await this.#serverCpuUs();
    const answer = await this.#client.ask(question);
    const serverUs = (await this.#serverCpuUs()) - before;
    return { ...answer, cpuUsEach: (answer.cpuUs + serverUs) / answer.count };
  }

  async end(): Promise<void> {
    await this.#client.end();
    await this.#server?.end();
  }

  async #serverCpuUs(): Promise<number> {
    return (await this.#server?.ask({ ask: "cpu" })) ?? 0;
  }
}
