import { createClient, type ConnectRouter } from "@connectrpc/connect";
import { connectNodeAdapter, createGrpcTransport } from "@connectrpc/connect-node";
import { once } from "node:events";
import { createSecureServer, createServer } from "node:http2";
import type { AddressInfo } from "node:net";
import { issueIn, trusted } from "../certificate.ts";
import { isOrderAt, orderAt } from "../items.ts";
import { endless, wrong, type Connected, type Peer } from "../peer.ts";
import { answerTo, isAnswer, type Order } from "../work.ts";
import { Orders } from "./orders-proto.ts";

interface Methods {
  place(order: Order): Promise<Order>;
  watch(many: { count: bigint }, options: { signal: AbortSignal }): AsyncIterable<Order>;
  echo(block: { data: Uint8Array }): Promise<{ data: Uint8Array }>;
}

const bytesMax = 0xffff_ffff;

/** Room for blocks, in megabytes: the default is less than one. */
const memory = { maxSessionMemory: 1_000 };

/** Connect for Node, speaking gRPC on both sides, with Protobuf-ES. */
export function connectNode({ tls }: { readonly tls: boolean }): Peer {
  return {
    async serve(folder) {
      const certificate = tls ? issueIn(folder) : undefined;
      const routes = (router: ConnectRouter): void => {
        router.service(Orders, {
          place: async (order: unknown) => answerTo(order as Order),
          echo: async (block: unknown) => block as object,
          async *watch() {
            for (let index = 0; ; index++) yield orderAt(index);
          },
        } as object);
      };
      const handler = connectNodeAdapter({
        routes,
        readMaxBytes: bytesMax,
        writeMaxBytes: bytesMax,
      });
      const server =
        certificate === undefined
          ? createServer(memory, handler)
          : createSecureServer(
              { ...memory, cert: certificate.cert, key: certificate.key },
              handler,
            );
      server.listen(0, "127.0.0.1");
      await once(server, "listening");
      const { port } = server.address() as AddressInfo;
      return `${tls ? "https" : "http"}://127.0.0.1:${port} ${certificate?.ca ?? ""}`;
    },
    async connect(place) {
      const [baseUrl, ca] = place.split(" ");
      const transport = createGrpcTransport({
        baseUrl: baseUrl!,
        defaultTimeoutMs: 60_000,
        readMaxBytes: bytesMax,
        writeMaxBytes: bytesMax,
        nodeOptions: { ...memory, ...(ca === "" ? {} : { ca: trusted(ca!) }) },
      });
      return connected(createClient(Orders, transport) as unknown as Methods);
    },
  };
}

function connected(client: Methods): Connected {
  return {
    call: (job) => client.place(job.order),
    isRight: (job, answer) => isAnswer(job.order, answer as Order),
    echo: async (data) => (await client.echo({ data })).data,
    async read(_flow, over) {
      const left = new AbortController();
      let index = 0;
      for await (const item of client.watch({ count: BigInt(endless) }, { signal: left.signal })) {
        if (!isOrderAt(index, item)) throw wrong(index);
        index++;
        if (over()) break;
      }
      left.abort();
      return index;
    },
  };
}
