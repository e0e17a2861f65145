import { Controller, Inject, Logger, type DynamicModule } from "@nestjs/common";
import { NestFactory } from "@nestjs/core";
import {
  ClientProxyFactory,
  MessagePattern,
  Payload,
  Transport,
  type MicroserviceOptions,
} from "@nestjs/microservices";
import { defer, firstValueFrom, retry, timeout, type Observable } from "rxjs";
import { deadlineMs, kinds, type StormPeer, type Work } from "../../demo/storm/peer.ts";

/** Tries beside the first, and what lies between them. */
const retries = { count: 3, delay: 100 };

/** The controller of the documentation; Node runs no decorators, so they are called. */
function storm(work: Work): DynamicModule {
  class Storm {
    readonly work: Work;
    constructor(given: Work) {
      this.work = given;
    }
    idempotent(id: string): Promise<string> {
      return this.work(id);
    }
    byKey(id: string): Promise<string> {
      return this.work(id); // Nest knows no keys
    }
    plain(id: string): Promise<string> {
      return this.work(id);
    }
  }
  Controller()(Storm);
  Inject("work")(Storm, undefined, 0);
  for (const kind of kinds) {
    Payload()(Storm.prototype, kind, 0);
    MessagePattern(kind)(
      Storm.prototype,
      kind,
      Object.getOwnPropertyDescriptor(Storm.prototype, kind)!,
    );
  }
  return { module: Storm, controllers: [Storm], providers: [{ provide: "work", useValue: work }] };
}

export const peer: StormPeer = {
  async serve({ port }, work) {
    // https://docs.nestjs.com/microservices/basics
    const app = await NestFactory.createMicroservice<MicroserviceOptions>(storm(work), {
      transport: Transport.TCP,
      options: { host: "127.0.0.1", port },
      logger: false,
    });
    app.enableShutdownHooks(); // https://docs.nestjs.com/fundamentals/lifecycle-events
    await app.listen();
  },
  async connect(replicas) {
    Logger.overrideLogger(false);
    // A client has one address; whoever has several brings a load balancer. This one takes turns.
    const clients = replicas.map(({ port }) =>
      ClientProxyFactory.create({
        transport: Transport.TCP,
        options: { host: "127.0.0.1", port },
      }),
    );
    await Promise.all(clients.map((client) => client.connect()));
    let turn = 0;
    const send = (kind: string, id: string): Observable<string> =>
      defer(() => clients[turn++ % clients.length]!.send<string>(kind, id));
    // `timeout` is the documentation's ("Handling timeouts"); the requests are observables, so what to do about failures
    // is said by operators of RxJS: `retry`, for what may run twice.
    return (kind, id) => {
      const sent = send(kind, id);
      const tried = kind === "idempotent" ? sent.pipe(retry(retries)) : sent;
      return firstValueFrom(tried.pipe(timeout(deadlineMs)));
    };
  },
};
