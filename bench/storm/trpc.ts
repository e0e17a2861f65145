import { createTRPCClient, httpLink, retryLink } from "@trpc/client";
import { initTRPC } from "@trpc/server";
import { createHTTPServer } from "@trpc/server/adapters/standalone";
import { once } from "node:events";
import * as z from "zod";
import { deadlineMs, type StormPeer, type Work } from "../../demo/storm/peer.ts";

const closesEveryMs = 10;

const t = initTRPC.create();

function routerOf(work: Work) {
  const procedure = t.procedure.input(z.string());
  return t.router({
    idempotent: procedure.query(({ input }) => work(input)),
    byKey: procedure.mutation(({ input }) => work(input)), // tRPC knows no keys
    plain: procedure.mutation(({ input }) => work(input)),
  });
}

export const peer: StormPeer = {
  async serve({ port }, work) {
    // https://trpc.io/docs/server/adapters/standalone
    const server = createHTTPServer({ router: routerOf(work) });
    server.listen(port, "127.0.0.1");
    await once(server, "listening");
    // The documentation says nothing of stopping. As that of node:http: no new connections, and those that are kept are
    // closed when nothing is asked on them.
    process.on("SIGTERM", () => {
      server.close(() => process.exit());
      setInterval(() => server.closeIdleConnections(), closesEveryMs);
    });
  },
  async connect(replicas) {
    let turn = 0;
    // tRPC calls one address; whoever has several brings a load balancer. This one takes turns.
    const balanced = (url: URL | Request | string, options?: RequestInit): Promise<Response> => {
      const { port } = replicas[turn++ % replicas.length]!;
      return fetch((url as string).replace("//storm", `//127.0.0.1:${port}`), options);
    };
    const client = createTRPCClient<ReturnType<typeof routerOf>>({
      links: [
        // As https://trpc.io/docs/client/links/retryLink has it, delays and all, but for the first delay: one second of
        // three would be over before anything was tried again.
        retryLink({
          retry({ error, op, attempts }) {
            if (error.data && error.data.code !== "INTERNAL_SERVER_ERROR") return false;
            if (op.type !== "query") return false;
            return attempts <= 3;
          },
          retryDelayMs: (attempt) => Math.min(100 * 2 ** attempt, 30_000),
        }),
        httpLink({ url: "http://storm", fetch: balanced as never }),
      ],
    });
    return (kind, id) => {
      const options = { signal: AbortSignal.timeout(deadlineMs) };
      if (kind === "idempotent") return client.idempotent.query(id, options);
      return client[kind].mutate(id, options);
    };
  },
};
