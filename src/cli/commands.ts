import { asyncapi } from "./asyncapi.ts";
import { avro } from "./avro.ts";
import { bench } from "./bench.ts";
import { broker } from "./broker.ts";
import { call } from "./call.ts";
import type { Command } from "./command.ts";
import { clientState } from "./client-state.ts";
import { completion } from "./completion.ts";
import { consume, tail } from "./consume.ts";
import { contract } from "./contract.ts";
import { describe } from "./describe.ts";
import { dlq } from "./dlq.ts";
import { doctor } from "./doctor.ts";
import { gateway } from "./gateway.ts";
import { health } from "./health.ts";
import { hotKeys } from "./hot-keys.ts";
import { importing } from "./import.ts";
import { lag } from "./lag.ts";
import { lint } from "./lint.ts";
import { openapi } from "./openapi.ts";
import { outbox } from "./outbox.ts";
import { proto } from "./proto.ts";
import { publish } from "./publish.ts";
import { registrar } from "./registrar.ts";
import { registry } from "./registry.ts";
import { router } from "./router.ts";
import { signal } from "./signal.ts";
import { stats } from "./stats.ts";
import { store } from "./store.ts";

const asking: readonly Command[] = [describe, call, health, stats, clientState, bench, doctor];

const messaging: readonly Command[] = [publish, consume, tail, dlq, lag, hotKeys, outbox, store];

const writing: readonly Command[] = [openapi, asyncapi, contract, proto, avro, importing, lint];

const serving: readonly Command[] = [broker, gateway, registrar, registry, router, signal];

/** Every command there is, in the order in which help lists them. */
export const commands: readonly Command[] = [
  ...asking,
  ...messaging,
  ...writing,
  ...serving,
  completion([...asking, ...messaging, ...writing, ...serving]),
];
