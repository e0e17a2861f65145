import { createServer, type AddressInfo } from "node:net";
import { once } from "node:events";
import { Controller, Logger, type DynamicModule } from "@nestjs/common";
import { NestFactory } from "@nestjs/core";
import {
  ClientProxyFactory,
  MessagePattern,
  Payload,
  Transport,
  type MicroserviceOptions,
} from "@nestjs/microservices";
import { firstValueFrom } from "rxjs";
import { noItems } from "./no-items.ts";
import type { Peer } from "../peer.ts";
import { answerTo, isAnswer, type Order } from "../work.ts";

/** NestJS over its TCP transport, as its documentation shows it. Node runs no decorators, so they are called. */
export const nest: Peer = {
  async serve() {
    const port = await freePort();
    const app = await NestFactory.createMicroservice<MicroserviceOptions>(ordersModule(), {
      transport: Transport.TCP,
      options: { host: "127.0.0.1", port },
      logger: false,
    });
    await app.listen();
    return String(port);
  },
  async connect(port) {
    Logger.overrideLogger(false);
    const client = ClientProxyFactory.create({
      transport: Transport.TCP,
      options: { host: "127.0.0.1", port: Number(port) },
    });
    await client.connect();
    return {
      call: ({ order }) => firstValueFrom(client.send<Order>("place", order)),
      isRight: (job, answer) => isAnswer(job.order, answer as Order),
      read: noItems("NestJS"),
    };
  },
};

function ordersModule(): DynamicModule {
  class Orders {
    place(order: Order): Order {
      return answerTo(order);
    }
  }
  Controller()(Orders);
  Payload()(Orders.prototype, "place", 0);
  const place = Object.getOwnPropertyDescriptor(Orders.prototype, "place")!;
  MessagePattern("place")(Orders.prototype, "place", place);
  return { module: Orders, controllers: [Orders] };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  return port;
}
