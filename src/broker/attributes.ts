/**
 * The extension attributes that Trunkline writes into envelopes, each with its meaning. `traceparent`, `tracestate`,
 * `partitionkey`, `expirytime` and `sequence` are CloudEvents' documented extensions; the others are ours.
 */
export const attribute = {
  /** W3C Trace Context of who sent it. */
  traceparent: "traceparent",
  tracestate: "tracestate",
  /** By what it finds its shard, where that is not its subject. */
  partitionkey: "partitionkey",
  /** After this instant (RFC 3339) nobody wants it any more. */
  expirytime: "expirytime",
  /** The full version of the contract that it was made by: `1.2.0`. */
  schemaversion: "schemaversion",
  /** Which message of its channel and key it is, where its outbox counts them (CloudEvents' extension): 1 is the first. */
  sequence: "sequence",
  /** Joins a reply to what it answers: the id of the request's envelope. */
  correlationid: "correlationid",
  /** Where replies go: what `ReplyBox.address` said. */
  replyto: "replyto",
  /** The key by which a repetition of one logical request is recognised. */
  idempotencykey: "idempotencykey",
  /** Of a call: its headers, as JSON. */
  headers: "headers",
  /** Of a call: how often its caller has tried before. Absent: it is the first, and repeats nothing. */
  tries: "tries",
  /** The swim lane that it belongs to. */
  lane: "lane",
  /** Which group answers, in a reply. */
  answeredby: "answeredby",
  /** How a reply ends: `OK`, or the code of the error that its data describes. In a report of what became of a message: `handled`, `rejected`, `parked`. */
  outcome: "outcome",
  /** Where a dead letter comes from, and why it is one: JSON. */
  deadletter: "deadletter",
  /** It comes from the dead letters: who has redriven it, and when. */
  redriven: "redriven",
} as const;

/** What names of attributes look like (CloudEvents 1.0, 3.1). */
export const attributeName: RegExp = /^[a-z0-9]{1,20}$/;
