import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { TestContext } from "node:test";
import * as z from "zod";
import { serve, type Service } from "../../call/serve.ts";
import { bytes, call, contract, notification, stream, upload } from "../../contract/index.ts";
import { restMount, type RestServeOptions } from "../../protocol/rest/index.ts";
import { chassis, type Chassis, type ChassisOptions } from "../chassis.ts";

const Id = z.string();
const Order = z.object({ id: Id, item: z.string(), count: z.int().optional() });

const Orders = contract(
  "orders",
  { version: "1.2.0" },
  {
    place: call({
      in: z.object({ item: z.string().min(1), count: z.int().optional() }),
      out: Order,
      errors: { SOLD_OUT: z.object({ item: z.string() }) },
    }),
    get: call({ in: Id, out: Order, errors: { NOT_FOUND: Id }, idempotent: true }),
    list: call({
      in: z.object({
        page: z.int().optional(),
        items: z.array(z.string()).optional(),
        gifts: z.boolean().optional(),
      }),
      out: z.unknown(),
      idempotent: true,
    }),
    update: call({ in: Order.partial({ item: true }), out: Order }),
    remove: call({ in: Id }),
    touched: notification({ in: z.object({ id: Id }) }),
    watch: stream({ in: Id, out: Order }),
    import: upload({ in: Order, out: z.int() }),
    photo: call({ in: bytes(), out: bytes() }),
    broken: call({ out: z.unknown() }),
  },
);

export function orders(touched: string[] = []): Service {
  return serve(Orders, {
    place: ({ item, count }, { errors }) => {
      if (item === "unobtainium") throw errors.SOLD_OUT({ item });
      return { id: "o 1", item, ...(count === undefined ? {} : { count }) };
    },
    get: (id, { errors }) => {
      if (id === "none") throw errors.NOT_FOUND(id);
      return { id, item: "kettle" };
    },
    list: (input) => input,
    update: ({ id, item = "same" }) => ({ id, item }),
    remove: () => {},
    touched: ({ id }) => void touched.push(id),
    async *watch(id) {
      yield { id, item: "a" };
      yield { id, item: "b" };
    },
    async import(items) {
      let count = 0;
      for await (const _item of items) count++;
      return count;
    },
    photo: (input) => input,
    broken: () => 7n,
  });
}

export interface Face {
  readonly url: string;
  readonly app: Chassis;
}

export async function face(
  t: TestContext,
  options: RestServeOptions = {},
  more: Partial<ChassisOptions> = {},
): Promise<Face> {
  const mount = restMount(options);
  const app = await chassis({
    name: "orders",
    serve: [orders()],
    mounts: [mount],
    signals: false,
    ...more,
  });
  const server: Server = createServer((request, response) => mount.handler(request, response));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(async () => {
    await app.stop({ force: true });
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, app };
}
