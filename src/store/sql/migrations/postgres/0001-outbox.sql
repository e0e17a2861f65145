-- Messages that wait to be published. A row that is there is pending; what was published is deleted.
CREATE TABLE trunkline_outbox (
  seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  id text NOT NULL,
  lane smallint NOT NULL,
  msg_key text,
  channel text NOT NULL,
  head text NOT NULL,
  data bytea NOT NULL,
  not_before bigint NOT NULL,
  written_at bigint NOT NULL,
  refusals integer NOT NULL DEFAULT 0
) WITH (
  -- Rows live for milliseconds: what they leave has to be cleared away by count, however large the table was once.
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

CREATE INDEX trunkline_outbox_lane ON trunkline_outbox (lane, not_before, seq);

-- Those that were given up.
CREATE TABLE trunkline_outbox_dead (
  seq bigint PRIMARY KEY,
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
  parking text NOT NULL
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
