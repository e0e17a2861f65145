/** Slots of the outbox, as its migration makes them. */
const slots = 3;
/** A slot has had its turn when it is as large as that: some two thousand rows of the usual size. */
const slotBytesMax = 1_048_576;
/** So long a slot is waited for, at most: those who read it wait behind us meanwhile. */
const lockMs = 50;
/** The second half of the key of our advisory lock, beside the lanes, which are from 0. */
const tidying = -2;

/**
 * Gives the room of published messages back, and hands the turn on (OB-8). DELETE leaves dead rows, which VACUUM may not take away while
 * any transaction is open that might still see them; a table that is truncated is empty whoever looks. What can be lost here is
 * looked for under the lock: a slot is truncated only when no row is in it for a statement that began after nobody else could write there any
 * more. Whoever has written there, and has not committed, has a lock that ours waits for. Those who write do not: they write elsewhere, but
 * for those who have drawn their slot before the turn went on, and are late. It needs no more than that they find it again: all slots are
 * always read.
 */
export function tidyText(lockClass: number): string {
  return `DO $$
DECLARE
  turn int := coalesce(pg_sequence_last_value('trunkline_outbox_slot'), 0);
  following int;
  name text;
  full_slot boolean;
BEGIN
  -- With one snapshot for all its statements it would not see what was committed meanwhile.
  IF current_setting('transaction_isolation') <> 'read committed' OR NOT pg_try_advisory_xact_lock(${lockClass}, ${tidying}) THEN
    RETURN;
  END IF;
  PERFORM set_config('lock_timeout', '${lockMs}ms', true);
  FOR slot IN 0..${slots - 1} LOOP
    name := 'trunkline_outbox_' || slot;
    CONTINUE WHEN slot = turn OR pg_relation_size(name::regclass) = 0 OR NOT has_table_privilege(name, 'TRUNCATE');
    EXECUTE format('SELECT EXISTS (SELECT FROM %I)', name) INTO full_slot;
    CONTINUE WHEN full_slot;
    BEGIN
      EXECUTE format('LOCK TABLE %I IN ACCESS EXCLUSIVE MODE', name);
      EXECUTE format('SELECT EXISTS (SELECT FROM %I)', name) INTO full_slot;
      IF NOT full_slot THEN
        EXECUTE format('TRUNCATE %I', name);
      END IF;
    EXCEPTION WHEN lock_not_available OR deadlock_detected THEN
      NULL;
    END;
  END LOOP;
  SELECT each INTO following FROM generate_series(0, ${slots - 1}) AS each
    WHERE each <> turn AND pg_relation_size(('trunkline_outbox_' || each)::regclass) = 0 LIMIT 1;
  IF following IS NOT NULL AND pg_relation_size(('trunkline_outbox_' || turn)::regclass) >= ${slotBytesMax}
    AND has_sequence_privilege('trunkline_outbox_slot', 'UPDATE') THEN
    PERFORM setval('trunkline_outbox_slot', following);
  END IF;
END $$`;
}
