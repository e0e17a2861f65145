-- Messages that were processed, for each consumer.
CREATE TABLE trunkline_inbox (
  consumer TEXT NOT NULL,
  message TEXT NOT NULL,
  processed_at INTEGER NOT NULL,
  reply BLOB,
  PRIMARY KEY (consumer, message)
);

CREATE INDEX trunkline_inbox_processed_at ON trunkline_inbox (processed_at);

-- How often a handler was begun for a message, and came to an end.
CREATE TABLE trunkline_inbox_attempt (
  consumer TEXT NOT NULL,
  message TEXT NOT NULL,
  started INTEGER NOT NULL,
  finished INTEGER NOT NULL,
  changed_at INTEGER NOT NULL,
  PRIMARY KEY (consumer, message)
);

CREATE INDEX trunkline_inbox_attempt_changed_at ON trunkline_inbox_attempt (changed_at);

-- The last sequence that was seen of each key.
CREATE TABLE trunkline_inbox_order (
  consumer TEXT NOT NULL,
  msg_key TEXT NOT NULL,
  last INTEGER NOT NULL,
  changed_at INTEGER NOT NULL,
  PRIMARY KEY (consumer, msg_key)
);

CREATE INDEX trunkline_inbox_order_changed_at ON trunkline_inbox_order (changed_at);
