import { equal } from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { generated, source } from "../scripts/amqp091/source.ts";

test("the tables of AMQP 0-9-1 are what the published grammar says; node scripts/amqp091/main.ts writes them", () => {
  equal(readFileSync(generated, "utf8"), source());
});
