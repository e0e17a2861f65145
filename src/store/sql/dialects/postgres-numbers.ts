/** Whether numbers will be drawn that rows have: these came by logical replication, which leaves sequences behind. */
export const numbersBehind = `SELECT CASE WHEN has_sequence_privilege(numbers.name, 'USAGE, SELECT') THEN coalesce(
    coalesce(pg_sequence_last_value(CAST(numbers.name AS regclass)), 0)
      < greatest((SELECT max(seq) FROM trunkline_outbox), (SELECT max(seq) FROM trunkline_outbox_dead)), false)
    ELSE false END AS behind
  FROM (SELECT pg_get_serial_sequence('trunkline_outbox', 'seq') AS name) AS numbers`;

/** Above all rows, and above what any server has drawn that is not much older. */
export const raiseNumbers = `SELECT setval(pg_get_serial_sequence('trunkline_outbox', 'seq'), greatest(
    (SELECT max(seq) FROM trunkline_outbox), (SELECT max(seq) FROM trunkline_outbox_dead),
    CAST(extract(epoch FROM clock_timestamp()) AS bigint) * 2097152))`;
