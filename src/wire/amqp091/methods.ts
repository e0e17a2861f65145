// Made by scripts/amqp091/main.ts of the published grammar; change nothing here.

/** How a field of a method stands on the wire. */
export type FieldKind =
  | "bit"
  | "octet"
  | "short"
  | "long"
  | "longlong"
  | "shortstr"
  | "longstr"
  | "table"
  | "timestamp";

/** A method: class number above, method number below, and its fields in their order. */
export interface Method {
  readonly id: number;
  /** A content header and a body follow it. */
  readonly content?: true;
  readonly fields: Readonly<Record<string, FieldKind>>;
}

/** All methods, by class and name. */
export const methods = {
  "connection.start": {
    id: 0x000a000a,
    fields: {
      versionMajor: "octet",
      versionMinor: "octet",
      serverProperties: "table",
      mechanisms: "longstr",
      locales: "longstr",
    },
  },
  "connection.start-ok": {
    id: 0x000a000b,
    fields: {
      clientProperties: "table",
      mechanism: "shortstr",
      response: "longstr",
      locale: "shortstr",
    },
  },
  "connection.secure": { id: 0x000a0014, fields: { challenge: "longstr" } },
  "connection.secure-ok": { id: 0x000a0015, fields: { response: "longstr" } },
  "connection.tune": {
    id: 0x000a001e,
    fields: { channelMax: "short", frameMax: "long", heartbeat: "short" },
  },
  "connection.tune-ok": {
    id: 0x000a001f,
    fields: { channelMax: "short", frameMax: "long", heartbeat: "short" },
  },
  "connection.open": {
    id: 0x000a0028,
    fields: { virtualHost: "shortstr", capabilities: "shortstr", insist: "bit" },
  },
  "connection.open-ok": { id: 0x000a0029, fields: { knownHosts: "shortstr" } },
  "connection.close": {
    id: 0x000a0032,
    fields: { replyCode: "short", replyText: "shortstr", classId: "short", methodId: "short" },
  },
  "connection.close-ok": { id: 0x000a0033, fields: {} },
  "connection.blocked": { id: 0x000a003c, fields: { reason: "shortstr" } },
  "connection.unblocked": { id: 0x000a003d, fields: {} },
  "connection.update-secret": {
    id: 0x000a0046,
    fields: { newSecret: "longstr", reason: "shortstr" },
  },
  "connection.update-secret-ok": { id: 0x000a0047, fields: {} },
  "channel.open": { id: 0x0014000a, fields: { outOfBand: "shortstr" } },
  "channel.open-ok": { id: 0x0014000b, fields: { channelId: "longstr" } },
  "channel.flow": { id: 0x00140014, fields: { active: "bit" } },
  "channel.flow-ok": { id: 0x00140015, fields: { active: "bit" } },
  "channel.close": {
    id: 0x00140028,
    fields: { replyCode: "short", replyText: "shortstr", classId: "short", methodId: "short" },
  },
  "channel.close-ok": { id: 0x00140029, fields: {} },
  "access.request": {
    id: 0x001e000a,
    fields: {
      realm: "shortstr",
      exclusive: "bit",
      passive: "bit",
      active: "bit",
      write: "bit",
      read: "bit",
    },
  },
  "access.request-ok": { id: 0x001e000b, fields: { ticket: "short" } },
  "exchange.declare": {
    id: 0x0028000a,
    fields: {
      ticket: "short",
      exchange: "shortstr",
      type: "shortstr",
      passive: "bit",
      durable: "bit",
      autoDelete: "bit",
      internal: "bit",
      nowait: "bit",
      arguments: "table",
    },
  },
  "exchange.declare-ok": { id: 0x0028000b, fields: {} },
  "exchange.delete": {
    id: 0x00280014,
    fields: { ticket: "short", exchange: "shortstr", ifUnused: "bit", nowait: "bit" },
  },
  "exchange.delete-ok": { id: 0x00280015, fields: {} },
  "exchange.bind": {
    id: 0x0028001e,
    fields: {
      ticket: "short",
      destination: "shortstr",
      source: "shortstr",
      routingKey: "shortstr",
      nowait: "bit",
      arguments: "table",
    },
  },
  "exchange.bind-ok": { id: 0x0028001f, fields: {} },
  "exchange.unbind": {
    id: 0x00280028,
    fields: {
      ticket: "short",
      destination: "shortstr",
      source: "shortstr",
      routingKey: "shortstr",
      nowait: "bit",
      arguments: "table",
    },
  },
  "exchange.unbind-ok": { id: 0x00280033, fields: {} },
  "queue.declare": {
    id: 0x0032000a,
    fields: {
      ticket: "short",
      queue: "shortstr",
      passive: "bit",
      durable: "bit",
      exclusive: "bit",
      autoDelete: "bit",
      nowait: "bit",
      arguments: "table",
    },
  },
  "queue.declare-ok": {
    id: 0x0032000b,
    fields: { queue: "shortstr", messageCount: "long", consumerCount: "long" },
  },
  "queue.bind": {
    id: 0x00320014,
    fields: {
      ticket: "short",
      queue: "shortstr",
      exchange: "shortstr",
      routingKey: "shortstr",
      nowait: "bit",
      arguments: "table",
    },
  },
  "queue.bind-ok": { id: 0x00320015, fields: {} },
  "queue.purge": { id: 0x0032001e, fields: { ticket: "short", queue: "shortstr", nowait: "bit" } },
  "queue.purge-ok": { id: 0x0032001f, fields: { messageCount: "long" } },
  "queue.delete": {
    id: 0x00320028,
    fields: { ticket: "short", queue: "shortstr", ifUnused: "bit", ifEmpty: "bit", nowait: "bit" },
  },
  "queue.delete-ok": { id: 0x00320029, fields: { messageCount: "long" } },
  "queue.unbind": {
    id: 0x00320032,
    fields: {
      ticket: "short",
      queue: "shortstr",
      exchange: "shortstr",
      routingKey: "shortstr",
      arguments: "table",
    },
  },
  "queue.unbind-ok": { id: 0x00320033, fields: {} },
  "basic.qos": {
    id: 0x003c000a,
    fields: { prefetchSize: "long", prefetchCount: "short", global: "bit" },
  },
  "basic.qos-ok": { id: 0x003c000b, fields: {} },
  "basic.consume": {
    id: 0x003c0014,
    fields: {
      ticket: "short",
      queue: "shortstr",
      consumerTag: "shortstr",
      noLocal: "bit",
      noAck: "bit",
      exclusive: "bit",
      nowait: "bit",
      arguments: "table",
    },
  },
  "basic.consume-ok": { id: 0x003c0015, fields: { consumerTag: "shortstr" } },
  "basic.cancel": { id: 0x003c001e, fields: { consumerTag: "shortstr", nowait: "bit" } },
  "basic.cancel-ok": { id: 0x003c001f, fields: { consumerTag: "shortstr" } },
  "basic.publish": {
    id: 0x003c0028,
    content: true,
    fields: {
      ticket: "short",
      exchange: "shortstr",
      routingKey: "shortstr",
      mandatory: "bit",
      immediate: "bit",
    },
  },
  "basic.return": {
    id: 0x003c0032,
    content: true,
    fields: {
      replyCode: "short",
      replyText: "shortstr",
      exchange: "shortstr",
      routingKey: "shortstr",
    },
  },
  "basic.deliver": {
    id: 0x003c003c,
    content: true,
    fields: {
      consumerTag: "shortstr",
      deliveryTag: "longlong",
      redelivered: "bit",
      exchange: "shortstr",
      routingKey: "shortstr",
    },
  },
  "basic.get": { id: 0x003c0046, fields: { ticket: "short", queue: "shortstr", noAck: "bit" } },
  "basic.get-ok": {
    id: 0x003c0047,
    content: true,
    fields: {
      deliveryTag: "longlong",
      redelivered: "bit",
      exchange: "shortstr",
      routingKey: "shortstr",
      messageCount: "long",
    },
  },
  "basic.get-empty": { id: 0x003c0048, fields: { clusterId: "shortstr" } },
  "basic.ack": { id: 0x003c0050, fields: { deliveryTag: "longlong", multiple: "bit" } },
  "basic.reject": { id: 0x003c005a, fields: { deliveryTag: "longlong", requeue: "bit" } },
  "basic.recover-async": { id: 0x003c0064, fields: { requeue: "bit" } },
  "basic.recover": { id: 0x003c006e, fields: { requeue: "bit" } },
  "basic.recover-ok": { id: 0x003c006f, fields: {} },
  "basic.nack": {
    id: 0x003c0078,
    fields: { deliveryTag: "longlong", multiple: "bit", requeue: "bit" },
  },
  "tx.select": { id: 0x005a000a, fields: {} },
  "tx.select-ok": { id: 0x005a000b, fields: {} },
  "tx.commit": { id: 0x005a0014, fields: {} },
  "tx.commit-ok": { id: 0x005a0015, fields: {} },
  "tx.rollback": { id: 0x005a001e, fields: {} },
  "tx.rollback-ok": { id: 0x005a001f, fields: {} },
  "confirm.select": { id: 0x0055000a, fields: { nowait: "bit" } },
  "confirm.select-ok": { id: 0x0055000b, fields: {} },
} as const;

/** The reply codes of errors; those of hard ones close the connection, of soft ones the channel. */
export const replies = {
  CONTENT_TOO_LARGE: { code: 311, hard: false },
  NO_ROUTE: { code: 312, hard: false },
  NO_CONSUMERS: { code: 313, hard: false },
  ACCESS_REFUSED: { code: 403, hard: false },
  NOT_FOUND: { code: 404, hard: false },
  RESOURCE_LOCKED: { code: 405, hard: false },
  PRECONDITION_FAILED: { code: 406, hard: false },
  CONNECTION_FORCED: { code: 320, hard: true },
  INVALID_PATH: { code: 402, hard: true },
  FRAME_ERROR: { code: 501, hard: true },
  SYNTAX_ERROR: { code: 502, hard: true },
  COMMAND_INVALID: { code: 503, hard: true },
  CHANNEL_ERROR: { code: 504, hard: true },
  UNEXPECTED_FRAME: { code: 505, hard: true },
  RESOURCE_ERROR: { code: 506, hard: true },
  NOT_ALLOWED: { code: 530, hard: true },
  NOT_IMPLEMENTED: { code: 540, hard: true },
  INTERNAL_ERROR: { code: 541, hard: true },
} as const;

/** The properties of a message, in the order of their flags, the highest bit first. */
export const properties = {
  contentType: "shortstr",
  contentEncoding: "shortstr",
  headers: "table",
  deliveryMode: "octet",
  priority: "octet",
  correlationId: "shortstr",
  replyTo: "shortstr",
  expiration: "shortstr",
  messageId: "shortstr",
  timestamp: "timestamp",
  type: "shortstr",
  userId: "shortstr",
  appId: "shortstr",
  clusterId: "shortstr",
} as const;
