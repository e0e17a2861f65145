-- Messages that were processed, for each consumer.
CREATE TABLE trunkline_inbox (
  consumer text NOT NULL,
  message text NOT NULL,
  processed_at bigint NOT NULL,
  reply bytea,
  PRIMARY KEY (consumer, message)
);

CREATE INDEX trunkline_inbox_processed_at ON trunkline_inbox (processed_at);

-- How often a handler was begun for a message, and came to an end.
CREATE TABLE trunkline_inbox_attempt (
  consumer text NOT NULL,
  message text NOT NULL,
  started integer NOT NULL,
  finished integer NOT NULL,
  changed_at bigint NOT NULL,
  PRIMARY KEY (consumer, message)
) WITH (
  autovacuum_vacuum_scale_factor = 0,
  autovacuum_vacuum_threshold = 5000,
  autovacuum_vacuum_cost_delay = 0
);

CREATE INDEX trunkline_inbox_attempt_changed_at ON trunkline_inbox_attempt (changed_at);

-- The last sequence that was seen of each key.
CREATE TABLE trunkline_inbox_order (
  consumer text NOT NULL,
  msg_key text NOT NULL,
  last bigint NOT NULL,
  changed_at bigint NOT NULL,
  PRIMARY KEY (consumer, msg_key)
);

CREATE INDEX trunkline_inbox_order_changed_at ON trunkline_inbox_order (changed_at);
