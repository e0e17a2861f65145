import { amqp } from "./amqp.ts";
import { client } from "./client.ts";
import { framedBytes } from "./framed.ts";
import { grpc } from "./grpc.ts";
import { ipc } from "./ipc.ts";
import { reader } from "./reader.ts";
import { rest } from "./rest.ts";
import { server } from "./server.ts";
import type { Target } from "./target.ts";

/** Everything that is fuzzed, from the bytes up. */
export const targets: readonly Target[] = [
  reader,
  framedBytes,
  server,
  client,
  rest,
  grpc,
  amqp,
  ipc,
];
