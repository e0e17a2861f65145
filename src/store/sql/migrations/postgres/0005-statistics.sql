-- What the planner cannot see of a table that is empty most of the time: that a number stands in one row only, and how many lanes there
-- are. Without it a plan may go through all that waits for each batch. ANALYZE takes it over, and needs a row to begin with; it stays
-- when the rows are gone.
ALTER TABLE trunkline_outbox
  ALTER COLUMN seq SET (n_distinct_inherited = -1),
  ALTER COLUMN lane SET (n_distinct_inherited = 288);

ALTER TABLE trunkline_outbox_0
  ALTER COLUMN seq SET (n_distinct = -1),
  ALTER COLUMN lane SET (n_distinct = 288);

ALTER TABLE trunkline_outbox_1
  ALTER COLUMN seq SET (n_distinct = -1),
  ALTER COLUMN lane SET (n_distinct = 288);

ALTER TABLE trunkline_outbox_2
  ALTER COLUMN seq SET (n_distinct = -1),
  ALTER COLUMN lane SET (n_distinct = 288);

-- Nobody sees them: they are gone when this migration is committed.
INSERT INTO trunkline_outbox (slot, seq, id, lane, channel, head, data, not_before, written_at)
SELECT slot, -1 - slot, '', 0, '', '', '', 0, 0 FROM generate_series(0, 2) AS slots (slot);

ANALYZE trunkline_outbox;

DELETE FROM trunkline_outbox WHERE seq < 0;
