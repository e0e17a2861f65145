import {
  Client,
  credentials,
  Server,
  ServerCredentials,
  type sendUnaryData,
  type ServerUnaryCall,
  type ServerWritableStream,
} from "@grpc/grpc-js";
import { join } from "node:path";
import { promisify } from "node:util";
import { blockAt, isBlockAt, isOrderAt, orderAt, type Flow } from "../items.ts";
import { wrong, type Connected, type Peer } from "../peer.ts";
import { answerTo, isAnswer, type Order } from "../work.ts";

/** JSON in place of protobuf: V8's own parser is faster than any protobuf written in JavaScript. */
const toJson = (value: unknown): Buffer => Buffer.from(JSON.stringify(value));
const fromJson = (bytes: Buffer): Order => JSON.parse(bytes.toString()) as Order;
const asIs = (bytes: Buffer): Buffer => bytes;

const paths = { place: "/orders/place", "64 B": "/orders/watch", "64 KiB": "/orders/blocks" };

/** Without deadlines, interceptors and validation. */
export const grpc: Peer = {
  async serve(folder) {
    const path = join(folder, `${process.pid}.sock`);
    const server = new Server();
    server.addService(service, handlers);
    await promisify(server.bindAsync.bind(server))(
      `unix:${path}`,
      ServerCredentials.createInsecure(),
    );
    return path;
  },
  async connect(path) {
    const client = new Client(`unix:${path}`, credentials.createInsecure());
    await promisify(client.waitForReady.bind(client))(Date.now() + 10_000);
    return connected(client);
  },
};

const json = { requestSerialize: toJson, requestDeserialize: fromJson };

const service = {
  place: {
    path: paths.place,
    requestStream: false,
    responseStream: false,
    ...json,
    responseSerialize: toJson,
    responseDeserialize: fromJson,
  },
  watch: {
    path: paths["64 B"],
    requestStream: false,
    responseStream: true,
    ...json,
    responseSerialize: toJson,
    responseDeserialize: fromJson,
  },
  blocks: {
    path: paths["64 KiB"],
    requestStream: false,
    responseStream: true,
    ...json,
    responseSerialize: asIs,
    responseDeserialize: asIs,
  },
};

const handlers = {
  place(called: ServerUnaryCall<Order, Order>, done: sendUnaryData<Order>): void {
    done(null, answerTo(called.request));
  },
  watch: (reader: ServerWritableStream<Order, unknown>) => write(reader, orderAt),
  blocks: (reader: ServerWritableStream<Order, unknown>) => write(reader, blockAt),
};

function write(
  reader: ServerWritableStream<Order, unknown>,
  itemAt: (index: number) => unknown,
): void {
  let index = 0;
  const more = (): void => {
    while (!reader.cancelled && reader.write(itemAt(index++)));
  };
  reader.on("drain", more).on("error", () => {});
  more();
}

function connected(client: Client): Connected {
  return {
    call: (job) =>
      new Promise((resolve, reject) => {
        client.makeUnaryRequest(paths.place, toJson, fromJson, job.order, (error, answer) => {
          if (error === null) resolve(answer);
          else reject(error);
        });
      }),
    isRight: (job, answer) => isAnswer(job.order, answer as Order),
    async read(flow: Flow, over) {
      const small = flow === "64 B";
      const items = client.makeServerStreamRequest<unknown, Order | Buffer>(
        paths[flow],
        toJson,
        small ? fromJson : asIs,
        {},
      );
      items.on("error", () => {}); // it was cancelled, by us
      let index = 0;
      for await (const item of items as AsyncIterable<Order | Buffer>) {
        const right = small ? isOrderAt(index, item as Order) : isBlockAt(index, item as Buffer);
        if (!right) throw wrong(index);
        index++;
        if (over()) break;
      }
      items.cancel();
      return index;
    },
  };
}
