import { once } from "node:events";
import {
  connect as connectHttp2,
  createSecureServer,
  createServer,
  type ClientHttp2Session,
  type ServerHttp2Stream,
} from "node:http2";
import type { AddressInfo } from "node:net";
import { issueIn, trusted } from "../certificate.ts";
import { orderAt } from "../items.ts";
import { wrong, type Connected, type Peer } from "../peer.ts";
import type { Job } from "../work.ts";
import { Order } from "./orders-proto.ts";

/** Different items in turn. */
const itemCount = 1_024;

/** A message as gRPC frames it: a flag, the length, the bytes. */
function framed(message: Uint8Array): Buffer {
  const frame = Buffer.alloc(5 + message.length);
  frame.writeUInt32BE(message.length, 1);
  frame.set(message, 5);
  return frame;
}

const items: readonly Buffer[] = Array.from({ length: itemCount }, (_, index) =>
  framed(Order.encode(orderAt(index)).finish()),
);
/** Room for blocks, in megabytes: the default is less than one. */
const memory = { maxSessionMemory: 1_000 };

const itemBytes = items[0]!.length;

const requestHeaders = {
  ":method": "POST",
  "content-type": "application/grpc",
  te: "trailers",
  "grpc-timeout": "10000m",
};

/**
 * What `node:http2` itself costs for exchanges of the shape of gRPC: the same headers, frames and trailers, and bytes that
 * were encoded beforehand and are compared, not decoded.
 */
export function bareHttp2({ tls }: { readonly tls: boolean }): Peer {
  return {
    async serve(folder) {
      const certificate = tls ? issueIn(folder) : undefined;
      const server =
        certificate === undefined
          ? createServer(memory)
          : createSecureServer({ ...memory, cert: certificate.cert, key: certificate.key });
      server.on("stream", (stream: ServerHttp2Stream, headers) => {
        stream.on("error", () => {});
        stream.respond(
          { ":status": 200, "content-type": "application/grpc" },
          { waitForTrailers: true },
        );
        stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
        if (headers[":path"] === "/watch") flood(stream);
        else echo(stream);
      });
      server.listen(0, "127.0.0.1");
      await once(server, "listening");
      const { port } = server.address() as AddressInfo;
      const origin = `${tls ? "https" : "http"}://127.0.0.1:${port}`;
      return certificate === undefined ? origin : `${origin} ${certificate.ca}`;
    },
    async connect(place) {
      const [origin, ca] = place.split(" ");
      const session = connectHttp2(origin!, {
        ...memory,
        ...(ca === undefined ? {} : { ca: trusted(ca) }),
      });
      await once(session, "connect");
      return connected(session);
    },
  };
}

function echo(stream: ServerHttp2Stream): void {
  const chunks: Buffer[] = [];
  stream.on("data", (chunk: Buffer) => chunks.push(chunk));
  stream.on("end", () => stream.end(chunks.length === 1 ? chunks[0] : Buffer.concat(chunks)));
}

function flood(stream: ServerHttp2Stream): void {
  let index = 0;
  const more = (): void => {
    while (!stream.destroyed && stream.write(items[index++ % itemCount]));
  };
  stream.on("drain", more).resume();
  more();
}

function connected(session: ClientHttp2Session): Connected {
  const frames = new WeakMap<Job, Buffer>();
  const frameOf = (job: Job): Buffer => {
    let frame = frames.get(job);
    if (frame === undefined) frames.set(job, (frame = framed(Order.encode(job.order).finish())));
    return frame;
  };
  const ask = (frame: Buffer): Promise<Buffer> =>
    new Promise((resolve, reject) => {
      const stream = session.request({ ...requestHeaders, ":path": "/place" });
      const chunks: Buffer[] = [];
      let status: unknown;
      stream.on("trailers", (trailers) => (status = trailers["grpc-status"]));
      stream.on("data", (chunk: Buffer) => chunks.push(chunk));
      stream.on("error", reject);
      stream.on("end", () => {
        if (status === "0") resolve(chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks));
        else reject(new Error(`status ${String(status)}`));
      });
      stream.end(frame);
    });
  return {
    call: (job) => ask(frameOf(job)),
    isRight: (job, answer) => frameOf(job).equals(answer as Buffer),
    echo: async (block) => (await ask(framed(block))).subarray(5),
    read: (_flow, over) =>
      new Promise((resolve, reject) => {
        const stream = session.request({ ...requestHeaders, ":path": "/watch" });
        let index = 0;
        let rest: Buffer = Buffer.alloc(0);
        stream.on("error", reject);
        stream.on("close", () => resolve(index));
        stream.on("data", (chunk: Buffer) => {
          const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
          let at = 0;
          for (; bytes.length - at >= itemBytes; at += itemBytes) {
            const item = items[index++ % itemCount]!;
            if (item.compare(bytes, at, at + itemBytes) !== 0) stream.destroy(wrong(index));
          }
          rest = bytes.subarray(at);
          if (over()) stream.close();
        });
        stream.end(framed(new Uint8Array()));
      }),
  };
}
