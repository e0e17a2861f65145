// Calls the lab with rsocket-core of npm, as its users would. Prints what it sees: a line of JSON for each step.
import { setTimeout as pause } from "node:timers/promises";
import {
  BufferEncoders,
  encodeBearerAuthMetadata,
  encodeSimpleAuthMetadata,
  MESSAGE_RSOCKET_AUTHENTICATION,
  MESSAGE_RSOCKET_COMPOSITE_METADATA,
  RSocketClient,
  type Payload,
  type Socket,
} from "rsocket-core";
import { Flowable, type Single, type Subscription } from "rsocket-flowable";
import tcp from "rsocket-tcp-client";
import { carrying, request, value } from "./metadata.ts";

const port = Number(process.argv[2]);

interface Source {
  readonly source?: { readonly code: number; readonly message: string };
}

function tell(step: string, what: object): void {
  console.log(JSON.stringify({ step, ...what }));
}

function told(error: Error & Source): object {
  const { code = 0, message = error.message } = error.source ?? {};
  return { error: { code, message } };
}

function connect(metadataMimeType: string, errorHandler?: (error: Error) => void): Promise<Socket> {
  const client = new RSocketClient({
    setup: { dataMimeType: "application/json", metadataMimeType, keepAlive: 100, lifetime: 2_000 },
    transport: new tcp.default({ host: "127.0.0.1", port }, BufferEncoders),
    ...(errorHandler === undefined ? {} : { errorHandler }),
  });
  return single(client.connect());
}

function single<T>(of: Single<T>): Promise<T> {
  return new Promise((resolve, reject) => of.subscribe({ onComplete: resolve, onError: reject }));
}

async function call(socket: Socket, step: string, asked: Payload): Promise<void> {
  try {
    tell(step, { value: value(await single(socket.requestResponse(asked))) });
  } catch (error) {
    tell(step, told(error as Error));
  }
}

/** Takes `n` items at a time, `batches` times, and then cancels unless the stream has ended. */
function take(step: string, items: Flowable<Payload>, n: number, batches: number): Promise<void> {
  return new Promise((resolve) => {
    const got: unknown[] = [];
    let left = batches;
    let subscription: Subscription;
    const end = (how: object): void => {
      tell(step, { items: got, ...how });
      resolve();
    };
    items.subscribe({
      onSubscribe: (given) => {
        subscription = given;
        subscription.request(n);
      },
      onNext: (item) => {
        got.push(value(item));
        if (got.length % n !== 0) return;
        if (--left > 0) subscription.request(n);
        else if (batches < Infinity) {
          // Whoever sends more than was asked for has time to do so.
          void pause(100).then(() => {
            subscription.cancel();
            end({ ended: "cancelled" });
          });
        }
      },
      onError: (error) => end(told(error)),
      onComplete: () => end({ ended: "complete" }),
    });
  });
}

/** `first` is what the request carries, the items follow as they are asked for. */
function send(first: Payload, items: readonly unknown[]): Flowable<Payload> {
  return new Flowable((subscriber) => {
    const all = [first, ...items.map(carrying)];
    subscriber.onSubscribe({
      request: (n) => {
        for (let left = n; left > 0 && all.length > 0; left--) {
          subscriber.onNext(all.shift()!);
          if (all.length === 0) subscriber.onComplete();
        }
      },
      cancel: () => all.splice(0),
    });
  });
}

const auth = (content: Buffer): readonly [unknown, Buffer] => [
  MESSAGE_RSOCKET_AUTHENTICATION,
  content,
];

const socket = await connect(MESSAGE_RSOCKET_COMPOSITE_METADATA.string);
await call(socket, "echo", request("lab.echo", { item: "kettle" }));
await call(socket, "wire name", request("lab@1/echo", "by its wire name"));
await call(socket, "unknown", request("lab.missing", 1));
await call(socket, "no metadata", carrying(1));
await call(socket, "malformed", {
  data: Buffer.from("{"),
  metadata: request("lab.echo", 1).metadata!,
});
await call(socket, "declared", request("lab.sell", { item: "kettle" }));
await call(socket, "system", request("lab.crash", null));
await call(
  socket,
  "bearer",
  request("lab.describe", null, [auth(encodeBearerAuthMetadata("t0k"))]),
);
await call(
  socket,
  "simple",
  request("lab.describe", null, [auth(encodeSimpleAuthMetadata("ann", "s3"))]),
);
socket.fireAndForget(request("lab.note", "hello"));
socket.metadataPush({ metadata: Buffer.from("refresh") }).subscribe({});
await take("all", socket.requestStream(request("lab.count", 100)), 7, Infinity);
await take("credit", socket.requestStream(request("lab.count", 1_000_000)), 5, 3);
await call(socket, "large out", request("lab.length", "x".repeat(1_000_000)));
const large = value(await single(socket.requestResponse(request("lab.blob", 1_000_000)))) as string;
tell("large in", { value: large.length });
await take(
  "duplex",
  socket.requestChannel(send(request("lab.shout", "a"), ["b", "c"])),
  8,
  Infinity,
);
await take("upload", socket.requestChannel(send(request("lab.sum", 1), [2, 3, 4])), 8, Infinity);
await new Promise<void>((resolve) => {
  socket.requestResponse(request("lab.stuck", null)).subscribe({
    onSubscribe: (cancel) =>
      void pause(100).then(() => {
        cancel();
        resolve();
      }),
  });
});
await pause(2_600); // longer than a peer may be silent
await call(socket, "alive", request("lab.seen", null));
socket.close();

const refused = Promise.withResolvers<Error>();
const foreign = await connect("application/x-nobody-knows", (error) => refused.resolve(error));
foreign.fireAndForget(carrying(1));
tell("refused", told(await refused.promise));
process.exit();
