-- How many messages of a channel and key were written, where they are counted. A sequence is a digest of both.
CREATE TABLE trunkline_outbox_sequence (
  id text PRIMARY KEY,
  last bigint NOT NULL
) WITH (fillfactor = 70);
