import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { realEnv } from "../../../base/real-env.ts";
import { Node } from "../../../broker/embedded/node.ts";
import { openSqliteStorage } from "../../../broker/embedded/storage/open.ts";
import { amqpServer } from "../../server.ts";
import { management } from "../server.ts";

/** A broker of a test's own, served by AMQP and with its management. */
export interface Managed extends AsyncDisposable {
  readonly node: Node;
  /** `amqp://guest:guest@127.0.0.1:41234` */
  readonly amqp: string;
  /** Of its management. */
  readonly port: number;
  /** Asks as guest, or as somebody else: `name:password`. */
  ask(method: string, path: string, body?: unknown, user?: string): Promise<Answered>;
}

export interface Answered {
  readonly status: number;
  // The tests look at what they expect there.
  readonly body: Readonly<Record<string, unknown>> & readonly Readonly<Record<string, unknown>>[];
  readonly headers: Headers;
}

/** Passwords that cost nothing. */
const cheap = { logN: 2, r: 1, p: 1 };

export async function managed(more: { readonly bodyBytesMax?: number } = {}): Promise<Managed> {
  const folder = await mkdtemp(join(tmpdir(), "trunkline-managed-"));
  const env = realEnv();
  const storage = await openSqliteStorage(folder, {}, env);
  const node = new Node(storage, env, { access: { cost: cheap } });
  const server = await amqpServer({ node, listen: ["amqp://127.0.0.1:0"] });
  const web = await management({ node, server, listen: "http://127.0.0.1:0", ...more });
  return {
    node,
    amqp: server.addresses[0]!.replace("amqp://", "amqp://guest:guest@"),
    port: Number(web.address.split(":").pop()),
    async ask(method, path, body, user = "guest:guest") {
      const answer = await fetch(`${web.address}/api/${path}`, {
        method,
        headers: {
          authorization: `Basic ${Buffer.from(user).toString("base64")}`,
          // A connection that is kept would keep the management from closing.
          connection: "close",
        },
        ...(body === undefined
          ? {}
          : { body: typeof body === "string" ? body : JSON.stringify(body) }),
      });
      const text = await answer.text();
      const read = (text === "" ? {} : JSON.parse(text)) as Answered["body"];
      return { status: answer.status, body: read, headers: answer.headers };
    },
    async [Symbol.asyncDispose]() {
      await web.close();
      await server.close();
      await node.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
