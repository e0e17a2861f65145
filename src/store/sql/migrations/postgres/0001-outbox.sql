-- Messages that wait to be published. A row that is there is pending; what was published is deleted.
-- New rows go into one of three slots, by turns. One that is empty and has its turn behind it is truncated, which gives its room back
-- even while an old transaction keeps VACUUM from it. Which slot a row is in says nothing about it.
CREATE SEQUENCE trunkline_outbox_seq;

-- Its last value is the slot for new rows.
CREATE SEQUENCE trunkline_outbox_slot MINVALUE 0 MAXVALUE 2 START 0;

CREATE TABLE trunkline_outbox (
  slot smallint NOT NULL DEFAULT coalesce(pg_sequence_last_value('trunkline_outbox_slot'), 0),
  seq bigint NOT NULL DEFAULT nextval('trunkline_outbox_seq'),
  id text NOT NULL,
  lane smallint NOT NULL,
  msg_key text,
  channel text NOT NULL,
  head text NOT NULL,
  data bytea NOT NULL,
  not_before bigint NOT NULL,
  written_at bigint NOT NULL,
  refusals integer NOT NULL DEFAULT 0,
  PRIMARY KEY (seq, slot)
) PARTITION BY LIST (slot);

ALTER SEQUENCE trunkline_outbox_seq OWNED BY trunkline_outbox.seq;

ALTER SEQUENCE trunkline_outbox_slot OWNED BY trunkline_outbox.slot;

CREATE INDEX trunkline_outbox_lane ON trunkline_outbox (lane, not_before, seq);

CREATE TABLE trunkline_outbox_0 PARTITION OF trunkline_outbox FOR VALUES IN (0) WITH (
  -- Rows live for milliseconds: what they leave has to be cleared away by count, however large the table was once.
  autovacuum_vacuum_scale_factor = 0,
  autovacuum_vacuum_threshold = 5000,
  autovacuum_vacuum_insert_threshold = -1,
  autovacuum_vacuum_cost_delay = 0,
  autovacuum_analyze_scale_factor = 0,
  autovacuum_analyze_threshold = 50000
);

CREATE TABLE trunkline_outbox_1 PARTITION OF trunkline_outbox FOR VALUES IN (1) WITH (
  autovacuum_vacuum_scale_factor = 0,
  autovacuum_vacuum_threshold = 5000,
  autovacuum_vacuum_insert_threshold = -1,
  autovacuum_vacuum_cost_delay = 0,
  autovacuum_analyze_scale_factor = 0,
  autovacuum_analyze_threshold = 50000
);

CREATE TABLE trunkline_outbox_2 PARTITION OF trunkline_outbox FOR VALUES IN (2) WITH (
  autovacuum_vacuum_scale_factor = 0,
  autovacuum_vacuum_threshold = 5000,
  autovacuum_vacuum_insert_threshold = -1,
  autovacuum_vacuum_cost_delay = 0,
  autovacuum_analyze_scale_factor = 0,
  autovacuum_analyze_threshold = 50000
);

-- Numbers begin with the time, so that those of a server that was set up later, and becomes the primary by logical replication, are
-- higher than all that come with the rows: sequences are not replicated.
SELECT setval(pg_get_serial_sequence('trunkline_outbox', 'seq'), CAST(extract(epoch FROM clock_timestamp()) AS bigint) * 2097152);

-- Those that were given up.
CREATE TABLE trunkline_outbox_dead (
  seq bigint NOT NULL,
  id text NOT NULL,
  lane smallint NOT NULL,
  msg_key text,
  channel text NOT NULL,
  head text NOT NULL,
  data bytea NOT NULL,
  not_before bigint NOT NULL,
  written_at bigint NOT NULL,
  refusals integer NOT NULL,
  dead_at bigint NOT NULL,
  reason text NOT NULL,
  parking text NOT NULL,
  PRIMARY KEY (seq, id)
);

CREATE INDEX trunkline_outbox_dead_lane ON trunkline_outbox_dead (lane, seq);

CREATE INDEX trunkline_outbox_dead_at ON trunkline_outbox_dead (dead_at, seq);

-- Which relay publishes which share of the lanes.
CREATE TABLE trunkline_outbox_lease (
  share smallint PRIMARY KEY,
  token bigint NOT NULL,
  relay text
);

INSERT INTO trunkline_outbox_lease (share, token) SELECT share, 0 FROM generate_series(0, 31) AS shares (share);

-- Until when each relay lives, unless it says so again.
CREATE TABLE trunkline_outbox_relay (
  relay text PRIMARY KEY,
  expires_at bigint NOT NULL
);
