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
import { tls as tlsTransport } from "trunkline/transport/tls";
import * as z from "zod";
import { issueIn, trusted } from "../certificate.ts";
import { isOrderAt, orderAt } from "../items.ts";
import { endless, wrong, type Connected, type Peer } from "../peer.ts";
import { answerTo, isAnswer, type Order } from "../work.ts";

/** Room for the largest block. */
const bytesMax: number = 17 * 1024 * 1024;

const order = z.object({ id: z.string(), quantity: z.int32(), note: z.string() });

const Orders = contract(
  "orders",
  { version: "1.0.0" },
  {
    place: call({ in: order, out: order }),
    watch: stream({ in: z.object({ count: z.int() }), out: order }),
    echo: call({ in: bytes(), out: bytes() }),
  },
);

/** Trunkline on both sides with what is on by default in production; zod checks what comes. */
export function trunklineGrpc({ tls }: { readonly tls: boolean }): Peer {
  return {
    async serve(folder) {
      const certificate = tls ? issueIn(folder) : undefined;
      const { addresses } = await chassis({
        name: "orders",
        listen: `${tls ? "grpcs" : "grpc"}://127.0.0.1:0`,
        serve: [
          serve(Orders, {
            place: async (given) => answerTo(given),
            echo: async (block) => block,
            async *watch({ count }) {
              for (let index = 0; index < count; index++) yield orderAt(index);
            },
          }),
        ],
        itemBytesMax: bytesMax,
        checkSent: false,
        signals: false,
        ...(certificate === undefined
          ? {}
          : { transports: [tlsTransport({ cert: certificate.cert, key: certificate.key })] }),
      });
      return `${addresses[0]!} ${certificate?.ca ?? ""}`;
    },
    async connect(place) {
      const [address, ca] = place.split(" ");
      return connected(
        address!,
        ca === "" ? {} : { transports: [tlsTransport({ ca: trusted(ca!) })] },
      );
    },
  };
}

function connected(address: string, more: ClientOptions): Connected {
  const orders = client(Orders, address, { checkSent: false, itemBytesMax: bytesMax, ...more });
  return {
    call: (job) => orders.place(job.order),
    isRight: (job, answer) => isAnswer(job.order, answer as Order),
    echo: (block) => orders.echo(block, { deadline: "60s" }),
    async read(_flow, over) {
      let index = 0;
      for await (const item of orders.watch({ count: endless })) {
        if (!isOrderAt(index, item)) throw wrong(index);
        index++;
        if (over()) break;
      }
      return index;
    },
  };
}
