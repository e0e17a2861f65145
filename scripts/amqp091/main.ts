// node scripts/amqp091/main.ts: writes the tables of AMQP 0-9-1 anew after a change of the grammar.
import { writeFileSync } from "node:fs";
import { generated, source } from "./source.ts";

writeFileSync(generated, source());
