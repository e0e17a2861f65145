-- AUTOINCREMENT: no number is drawn twice, not even one that was deleted last.
-- Messages that wait to be published. A row that is there is pending; what was published is deleted.
CREATE TABLE trunkline_outbox (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL,
  lane INTEGER NOT NULL,
  msg_key TEXT,
  channel TEXT NOT NULL,
  head TEXT NOT NULL,
  data BLOB NOT NULL,
  not_before INTEGER NOT NULL,
  written_at INTEGER NOT NULL,
  refusals INTEGER NOT NULL DEFAULT 0
);

CREATE INDEX trunkline_outbox_lane ON trunkline_outbox (lane, not_before, seq);

-- Those that were given up.
CREATE TABLE trunkline_outbox_dead (
  seq INTEGER NOT NULL,
  id TEXT NOT NULL,
  lane INTEGER NOT NULL,
  msg_key TEXT,
  channel TEXT NOT NULL,
  head TEXT NOT NULL,
  data BLOB NOT NULL,
  not_before INTEGER NOT NULL,
  written_at INTEGER NOT NULL,
  refusals INTEGER NOT NULL,
  dead_at INTEGER NOT NULL,
  reason TEXT NOT NULL,
  parking TEXT NOT NULL,
  PRIMARY KEY (seq, id)
);

CREATE INDEX trunkline_outbox_dead_lane ON trunkline_outbox_dead (lane, seq);

CREATE INDEX trunkline_outbox_dead_at ON trunkline_outbox_dead (dead_at, seq);

-- Which relay publishes which share of the lanes.
CREATE TABLE trunkline_outbox_lease (
  share INTEGER PRIMARY KEY,
  token INTEGER NOT NULL,
  relay TEXT
);

INSERT INTO trunkline_outbox_lease (share, token)
  WITH RECURSIVE shares (share) AS (SELECT 0 UNION ALL SELECT share + 1 FROM shares WHERE share < 31)
  SELECT share, 0 FROM shares;

-- Until when each relay lives, unless it says so again.
CREATE TABLE trunkline_outbox_relay (
  relay TEXT NOT NULL PRIMARY KEY,
  expires_at INTEGER NOT NULL
);
