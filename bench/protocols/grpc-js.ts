import {
  Client,
  credentials,
  Server,
  ServerCredentials,
  type sendUnaryData,
  type ServerUnaryCall,
  type ServerWritableStream,
} from "@grpc/grpc-js";
import { readFileSync } from "node:fs";
import { promisify } from "node:util";
import type { Type } from "protobufjs";
import { issueIn } from "../certificate.ts";
import { isOrderAt, orderAt } from "../items.ts";
import { endless, wrong, type Connected, type Peer } from "../peer.ts";
import { answerTo, isAnswer, type Order as Ordered } from "../work.ts";
import { Block, Many, Order } from "./orders-proto.ts";

const limits = {
  "grpc.max_receive_message_length": -1,
  "grpc.max_send_message_length": -1,
};

function method(name: string, input: Type, output: Type, responseStream: boolean) {
  const write = (type: Type) => (value: unknown) =>
    Buffer.from(type.encode(value as object).finish());
  const read = (type: Type) => (bytes: Buffer) => type.decode(bytes) as unknown;
  return {
    path: `/bench.v1.Orders/${name}`,
    requestStream: false,
    responseStream,
    requestSerialize: write(input),
    requestDeserialize: read(input),
    responseSerialize: write(output),
    responseDeserialize: read(output),
  };
}

const service = {
  place: method("Place", Order, Order, false),
  watch: method("Watch", Many, Order, true),
  echo: method("Echo", Block, Block, false),
};

/** `@grpc/grpc-js` with protobufjs: no interceptors, no validation. */
export function grpcJs({ tls }: { readonly tls: boolean }): Peer {
  return {
    async serve(folder) {
      const certificate = tls ? issueIn(folder) : undefined;
      const server = new Server(limits);
      server.addService(service, handlers);
      const port = await promisify(server.bindAsync.bind(server))(
        "127.0.0.1:0",
        certificate === undefined
          ? ServerCredentials.createInsecure()
          : ServerCredentials.createSsl(null, [
              {
                private_key: Buffer.from(certificate.key),
                cert_chain: Buffer.from(certificate.cert),
              },
            ]),
      );
      return `127.0.0.1:${port} ${certificate?.ca ?? ""}`;
    },
    async connect(place) {
      const [address, ca] = place.split(" ");
      // It takes no number for the name of a server.
      const named = { checkServerIdentity: () => undefined };
      const secure =
        ca === ""
          ? credentials.createInsecure()
          : credentials.createSsl(readFileSync(ca!), null, null, named);
      const client = new Client(address!, secure, {
        ...limits,
        ...(ca === "" ? {} : { "grpc.ssl_target_name_override": "localhost" }),
      });
      await promisify(client.waitForReady.bind(client))(Date.now() + 10_000);
      return connected(client);
    },
  };
}

const handlers = {
  place(called: ServerUnaryCall<Ordered, Ordered>, done: sendUnaryData<Ordered>): void {
    done(null, answerTo(called.request));
  },
  echo(called: ServerUnaryCall<object, object>, done: sendUnaryData<object>): void {
    done(null, called.request);
  },
  watch(reader: ServerWritableStream<object, Ordered>): void {
    let index = 0;
    const more = (): void => {
      while (!reader.cancelled && reader.write(orderAt(index++)));
    };
    reader.on("drain", more).on("error", () => {});
    more();
  },
};

function connected(client: Client): Connected {
  const ask = (of: ReturnType<typeof method>, input: unknown): Promise<unknown> =>
    new Promise((resolve, reject) => {
      const deadline = Date.now() + 60_000;
      client.makeUnaryRequest(
        of.path,
        of.requestSerialize,
        of.responseDeserialize,
        input,
        { deadline },
        (error, answer) => (error === null ? resolve(answer) : reject(error)),
      );
    });
  return {
    call: (job) => ask(service.place, job.order),
    isRight: (job, answer) => isAnswer(job.order, answer as Ordered),
    echo: async (data) => ((await ask(service.echo, { data })) as { data: Uint8Array }).data,
    async read(_flow, over) {
      const { path, requestSerialize, responseDeserialize } = service.watch;
      const input = { count: endless };
      const items = client.makeServerStreamRequest(
        path,
        requestSerialize,
        responseDeserialize,
        input,
      );
      items.on("error", () => {}); // it was cancelled, by us
      let index = 0;
      for await (const item of items as AsyncIterable<Ordered>) {
        if (!isOrderAt(index, item)) throw wrong(index);
        index++;
        if (over()) break;
      }
      items.cancel();
      return index;
    },
  };
}
