import { consul } from "./consul.ts";
import { envoy } from "./envoy.ts";
import { etcd } from "./etcd.ts";
import { nginx } from "./nginx.ts";
import type { Server } from "./server.ts";

/** Every server that `npm run servers` knows. */
export const servers: readonly Server[] = [consul, envoy, etcd, nginx];
