import { realEnv } from "../../base/real-env.ts";
import { Node, type NodeOptions } from "../../broker/embedded/node.ts";
import {
  ModelStorage,
  type ModelStorageOptions,
} from "../../broker/embedded/testing/model-storage.ts";
import { amqpServer, type AmqpServer, type AmqpServerOptions } from "../server.ts";
import { WireClient, type GreetingOptions } from "./wire-client.ts";

export interface LabOptions extends Partial<AmqpServerOptions> {
  readonly storage?: ModelStorageOptions;
  readonly broker?: NodeOptions;
}

/** A server over a storage in memory, with clients. */
export interface Lab extends AsyncDisposable {
  readonly node: Node;
  readonly storage: ModelStorage;
  readonly server: AmqpServer;
  readonly port: number;
  /** A client whose connection and whose channel 1 are open. */
  client(options?: GreetingOptions): Promise<WireClient>;
}

export async function lab(options: LabOptions = {}): Promise<Lab> {
  const { storage: kept, broker, ...rest } = options;
  const env = realEnv();
  const storage = new ModelStorage(env, kept);
  const node = new Node(storage, env, { access: { cost: { logN: 4, r: 8, p: 1 } }, ...broker });
  const server = await amqpServer({ node, listen: ["amqp://127.0.0.1:0"], ...rest });
  const port = Number(/:(\d+)$/.exec(server.addresses[0]!)?.[1]);
  const clients: WireClient[] = [];
  return {
    node,
    storage,
    server,
    port,
    async client(greeting) {
      const client = await WireClient.open(port, greeting);
      clients.push(client);
      await client.channel(1);
      return client;
    },
    async [Symbol.asyncDispose]() {
      for (const client of clients) await client[Symbol.asyncDispose]();
      await server.close();
      await node.close();
    },
  };
}
