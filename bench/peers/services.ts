import { join } from "node:path";
import { call, chassis, client, contract, serve, type Contract } from "trunkline";
import * as z from "zod";
import type { Peer } from "../peer.ts";
import { answerTo, isAnswer, type Order } from "../work.ts";

/** Whether all operations share a schema, or each has one of its own. */
export type Schemas = "one schema" | "their own";

/** Many services on one connection, each with four operations and handlers of its own; called in turn. */
export function services(count: number, schemas: Schemas): Peer {
  return {
    async serve(folder) {
      const listen = `unix:${join(folder, `${process.pid}.sock`)}`;
      await chassis({
        name: "services",
        listen,
        serve: contracts(count, schemas).map((each) => serve(each, handlers())),
        checkSent: true,
        signals: false,
      });
      return listen;
    },
    async connect(place) {
      // Clients of one address share one connection.
      const clients = contracts(count, schemas).map((each) =>
        client(each, place, { checkSent: true }),
      );
      const functions = clients.flatMap((each) => [each.place, each.change, each.get, each.cancel]);
      let next = 0;
      return {
        call: (job) => functions[next++ % functions.length]!(job.order),
        isRight: (job, answer) => isAnswer(job.order, answer as Order),
        read: () => Promise.reject(new Error("these services have no streams")),
      };
    },
  };
}

type Operations = ReturnType<typeof operations>;

function contracts(count: number, schemas: Schemas): Contract<string, Operations>[] {
  const shared = order();
  const schema = (): typeof shared => (schemas === "one schema" ? shared : order());
  return Array.from({ length: count }, (_, index) =>
    contract(`service${index}`, { version: "1.0.0" }, operations(schema)),
  );
}

function operations(schema: () => ReturnType<typeof order>) {
  const operation = () => {
    const each = schema();
    return call({ in: each, out: each });
  };
  return { place: operation(), change: operation(), get: operation(), cancel: operation() };
}

function order() {
  return z.object({ id: z.string(), quantity: z.int(), note: z.string() });
}

function handlers() {
  const handler = async (input: Order): Promise<Order> => answerTo(input);
  return { place: handler, change: handler, get: handler, cancel: handler };
}
