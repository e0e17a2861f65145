import type { Table } from "../wire/amqp091/table.ts";

/**
 * What the server says of itself. Clients look at the version to know what they may use: it is that of the RabbitMQ whose AMQP 0-9-1 we
 * speak.
 */
export const serverProperties: Table = {
  product: "Trunkline",
  version: "3.13.7",
  platform: "Node.js",
  information: "An embedded broker. One machine is its limit.",
  cluster_name: "trunkline",
  capabilities: {
    publisher_confirms: true,
    exchange_exchange_bindings: true,
    "basic.nack": true,
    consumer_cancel_notify: true,
    "connection.blocked": true,
    consumer_priorities: true,
    authentication_failure_close: true,
    per_consumer_qos: true,
    direct_reply_to: true,
  },
};

/** What a client says that it can do. */
export interface ClientCapabilities {
  readonly consumerCancelNotify: boolean;
  readonly connectionBlocked: boolean;
  readonly authenticationFailureClose: boolean;
}

export function clientCapabilities({ capabilities }: Table): ClientCapabilities {
  const table = isTable(capabilities) ? capabilities : {};
  return {
    consumerCancelNotify: table["consumer_cancel_notify"] === true,
    connectionBlocked: table["connection.blocked"] === true,
    authenticationFailureClose: table["authentication_failure_close"] === true,
  };
}

function isTable(value: unknown): value is Table {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
