-- Idempotency keys of calls, and how their work ended.
CREATE TABLE trunkline_key (
  id text PRIMARY KEY,
  input text NOT NULL,
  owner text,
  ending text,
  bytes bytea,
  changed_at bigint NOT NULL
);

CREATE INDEX trunkline_key_changed_at ON trunkline_key (changed_at);

-- Until when each process lives that has begun such work, unless it says so again.
CREATE TABLE trunkline_key_owner (
  owner text PRIMARY KEY,
  expires_at bigint NOT NULL
);
