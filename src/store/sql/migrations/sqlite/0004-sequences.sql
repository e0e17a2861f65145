-- How many messages of a channel and key were written, where they are counted. A sequence is a digest of both.
CREATE TABLE trunkline_outbox_sequence (
  id TEXT NOT NULL PRIMARY KEY,
  last INTEGER NOT NULL
) WITHOUT ROWID;
