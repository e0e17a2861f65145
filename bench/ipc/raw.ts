import { join } from "node:path";
import {
  bytes,
  call,
  chassis,
  client,
  contract,
  serve,
  stream,
  type ClientOptions,
} from "trunkline";
import { unix } from "trunkline/transport/unix";
import * as z from "zod";
import { endless, wrong, type Peer } from "../peer.ts";

const Raw = contract(
  "raw",
  { version: "1.0.0" },
  { echo: call({ in: bytes(), out: bytes() }), items: stream({ in: z.number(), out: bytes() }) },
);

const item = Buffer.alloc(64, 7);

/** Not by `equals`: to hand small bytes to what is not JavaScript costs more than to look at all of them. */
function areSame(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length > 64) return a.length === b.length && Buffer.compare(a, b) === 0;
  let same = a.length === b.length;
  for (let at = 0; same && at < a.length; at++) same = a[at] === b[at];
  return same;
}

/** Bytes as they are, and nothing is validated where it is sent. */
function raw(transports: ClientOptions["transports"]): Peer {
  const options = { checkSent: false, ...(transports === undefined ? {} : { transports }) };
  return {
    async serve(folder) {
      const items = function* (count: number): Generator<Buffer> {
        for (let index = 0; index < count; index++) yield item;
      };
      const { addresses } = await chassis({
        ...options,
        name: "raw",
        listen: `unix:${join(folder, `${process.pid}.sock`)}`,
        serve: [serve(Raw, { echo: (block) => block, items })],
        signals: false,
      });
      return addresses[0]!;
    },
    async connect(place) {
      const peer = client(Raw, place, options);
      return {
        call: (job) => peer.echo(job.bytes),
        isRight: (job, answer) => areSame(job.bytes, answer as Uint8Array),
        echo: (block) => peer.echo(block),
        async read(_flow, over) {
          let count = 0;
          for await (const each of peer.items(endless)) {
            if (each.length !== item.length || each[count % item.length] !== 7) throw wrong(count);
            count++;
            if (over()) break;
          }
          return count;
        },
      };
    },
  };
}

export const rawShm: Peer = raw(undefined);
export const rawSocket: Peer = raw([unix({ shm: "off" })]);
