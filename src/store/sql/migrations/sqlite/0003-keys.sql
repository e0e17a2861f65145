-- Idempotency keys of calls, and how their work ended.
CREATE TABLE trunkline_key (
  id TEXT NOT NULL PRIMARY KEY,
  input TEXT NOT NULL,
  owner TEXT,
  ending TEXT,
  bytes BLOB,
  changed_at INTEGER NOT NULL
);

CREATE INDEX trunkline_key_changed_at ON trunkline_key (changed_at);

-- Until when each process lives that has begun such work, unless it says so again.
CREATE TABLE trunkline_key_owner (
  owner TEXT NOT NULL PRIMARY KEY,
  expires_at INTEGER NOT NULL
);
