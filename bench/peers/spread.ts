import { client } from "trunkline";
import { Echo } from "../bare/echo.ts";
import type { Peer } from "../peer.ts";
import { isAnswer, type Order } from "../work.ts";
import { Orders } from "./orders.ts";
import { dial, socket } from "./socket.ts";
import { trunkline } from "./trunkline.ts";

const noStreams = (): Promise<never> => Promise.reject(new Error("only calls are spread"));

/** Calls go over so many connections in turn: with as many in flight each carries one. */
export function trunklineSpread(connections: number): Peer {
  return {
    ...trunkline,
    async connect(place) {
      // Clients of one address share a connection unless they differ, as here by name.
      const clients = Array.from({ length: connections }, (_, index) =>
        client(Orders, place, { checkSent: true, instance: `spread-${index}` }),
      );
      let next = 0;
      return {
        call: (job) => clients[next++ % connections]!.place(job.order),
        isRight: (job, answer) => isAnswer(job.order, answer as Order),
        read: noStreams,
      };
    },
  };
}

/** The echo of bytes spread alike. */
export function bareSpread(connections: number): Peer {
  return {
    ...socket,
    async connect(path) {
      const echoes: Echo[] = [];
      while (echoes.length < connections) echoes.push(new Echo(await dial({ path }, "echo")));
      let next = 0;
      return {
        call: (job) => echoes[next++ % connections]!.send(job.bytes),
        isRight: (_job, same) => same === true,
        read: noStreams,
      };
    },
  };
}
