import { asyncapi } from "./asyncapi.ts";
import { avro } from "./avro.ts";
import { bench } from "./bench.ts";
import { broker } from "./broker.ts";
import { call } from "./call.ts";
import type { Command } from "./command.ts";
import { clientState } from "./client-state.ts";
import { completion } from "./completion.ts";
import { contract } from "./contract.ts";
import { describe } from "./describe.ts";
import { gateway } from "./gateway.ts";
import { health } from "./health.ts";
import { importing } from "./import.ts";
import { lint } from "./lint.ts";
import { openapi } from "./openapi.ts";
import { proto } from "./proto.ts";
import { registrar } from "./registrar.ts";
import { registry } from "./registry.ts";
import { router } from "./router.ts";
import { stats } from "./stats.ts";

const asking: readonly Command[] = [describe, call, health, stats, clientState, bench];

const writing: readonly Command[] = [openapi, asyncapi, contract, proto, avro, importing, lint];

const serving: readonly Command[] = [broker, gateway, registrar, registry, router];

/** Every command there is, in the order in which help lists them. */
export const commands: readonly Command[] = [
  ...asking,
  ...writing,
  ...serving,
  completion([...asking, ...writing, ...serving]),
];
