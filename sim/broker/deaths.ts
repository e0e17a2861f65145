import type { Message } from "../../src/broker/embedded/message.ts";
import { readProperties } from "../../src/wire/amqp091/properties.ts";

/** Why a message is dead, as its header says. */
export function deathsOf({ properties }: Message): string {
  const { headers } = readProperties(properties);
  const reason = headers?.["x-first-death-reason"];
  return typeof reason === "string" ? reason : "no reason";
}
