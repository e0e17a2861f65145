// Serves the lab with rsocket-core of npm, as its users would. Prints the port that it listens on.
import { createServer, type AddressInfo } from "node:net";
import { BufferEncoders, RSocketServer, type Payload, type Responder } from "rsocket-core";
import { Flowable, Single, type Subscription } from "rsocket-flowable";
import tcp from "rsocket-tcp-server";
import { carrying, read, value } from "./metadata.ts";

/** What happened here, for the test to ask. */
const seen: string[] = [];

const soldOut = {
  code: "SOLD_OUT",
  executed: "yes",
  reason: "sold out",
  declared: true,
  data: { item: "kettle" },
};

const calls: Readonly<Record<string, (input: never, request: Payload) => unknown>> = {
  "lab.echo": (input) => input,
  "lab.length": (text: string) => text.length,
  "lab.blob": (letters: number) => "x".repeat(letters),
  "lab.seen": () => seen,
  "lab.describe": (_input, request) => read(request),
  "lab.sell": () => {
    throw new Error(JSON.stringify(soldOut));
  },
  "lab.crash": () => {
    throw new Error("it fell over");
  },
};

const lab: Responder = {
  fireAndForget(request) {
    seen.push(`note ${String(value(request))}`);
  },
  requestResponse(request) {
    const { route } = read(request);
    if (route === "lab.stuck") {
      return new Single((waiter) => {
        waiter.onSubscribe(() => seen.push("stuck cancelled"));
        seen.push("stuck");
      });
    }
    const call = calls[route];
    if (call === undefined) return Single.error(new Error(`no such route: ${route}`));
    try {
      return Single.of(carrying(call(value(request) as never, request)));
    } catch (error) {
      return Single.error(error as Error);
    }
  },
  requestStream(request) {
    return count(value(request) as number);
  },
  requestChannel(requests) {
    return new Flowable((subscriber) => {
      let taking: Subscription | undefined;
      let route: string | undefined;
      let sum = 0;
      let granted = 0;
      subscriber.onSubscribe({
        request: (n) => {
          granted += n;
          if (route === undefined) taking?.request(1);
          else if (route === "lab.shout") taking?.request(n);
        },
        cancel: () => {
          seen.push("channel cancelled");
          taking?.cancel();
        },
      });
      requests.subscribe({
        onSubscribe: (subscription) => {
          taking = subscription;
          if (granted > 0) taking.request(1);
        },
        onNext: (item) => {
          if (route === undefined) {
            ({ route } = read(item));
            if (route === "lab.shout" && granted > 1) taking?.request(granted - 1);
          }
          if (route === "lab.shout") {
            subscriber.onNext(carrying(String(value(item)).toUpperCase()));
          } else {
            sum += value(item) as number;
            taking?.request(1);
          }
        },
        onError: (error) => seen.push(`channel failed: ${error.message}`),
        onComplete: () => {
          if (route === "lab.sum") subscriber.onNext(carrying(sum));
          subscriber.onComplete();
        },
      });
    });
  },
  metadataPush({ metadata }) {
    seen.push(`push ${String(metadata)}`);
    return Single.of(undefined);
  },
};

/** Numbers below `to`, as many as are asked for. */
function count(to: number): Flowable<Payload> {
  return new Flowable((subscriber) => {
    let next = 0;
    let ended = false;
    let granted = 0;
    subscriber.onSubscribe({
      request: (n) => {
        granted += n;
        for (let left = n; left > 0 && next < to && !ended; left--)
          subscriber.onNext(carrying(next++));
        if (next < to || ended) return;
        ended = true;
        subscriber.onComplete();
      },
      cancel: () => {
        ended = true;
        seen.push(`count cancelled: ${granted} granted, ${next} sent`);
      },
    });
  });
}

const picky = process.argv.includes("--picky");

const transport = new tcp.default(
  {
    host: "127.0.0.1",
    port: 0,
    serverFactory: (onConnect) => {
      const server = createServer(onConnect);
      server.on("listening", () => console.log((server.address() as AddressInfo).port));
      return server;
    },
  },
  BufferEncoders,
);
new RSocketServer({
  getRequestHandler: (_socket, setup) => {
    if (picky && (setup.data?.length ?? 0) > 0) throw new Error("introductions are not wanted");
    return lab;
  },
  transport,
}).start();
