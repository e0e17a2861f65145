import { consul } from "./consul.ts";
import { dnsmasq } from "./dnsmasq.ts";
import { envoy } from "./envoy.ts";
import { etcd } from "./etcd.ts";
import { kafka } from "./kafka.ts";
import { mariadb } from "./mariadb.ts";
import { nats } from "./nats.ts";
import { nginx } from "./nginx.ts";
import { postgres } from "./postgres.ts";
import { rabbitmq } from "./rabbitmq.ts";
import type { Server } from "./server.ts";

/** Every server that `npm run servers` knows. */
export const servers: readonly Server[] = [
  consul,
  dnsmasq,
  envoy,
  etcd,
  kafka,
  mariadb,
  nats,
  nginx,
  postgres,
  rabbitmq,
];
