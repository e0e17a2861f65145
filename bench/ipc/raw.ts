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
        isRight: (job, answer) => job.bytes.equals(answer as Uint8Array),
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
