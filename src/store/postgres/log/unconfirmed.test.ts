import assert from "node:assert/strict";
import test from "node:test";
import { Unconfirmed } from "./unconfirmed.ts";

function withCommits(commits: readonly (readonly [end: bigint, ...seqs: number[]])[]): Unconfirmed {
  const log = new Unconfirmed();
  for (const [end, ...seqs] of commits) {
    for (const seq of seqs) log.inserted(seq);
    log.committed(end, 0);
  }
  return log;
}

test("OB-10: a log is not needed up to the last commit all of whose rows, and those before, are gone", () => {
  const log = withCommits([
    [10n, 1, 2],
    [20n, 3],
    [30n, 4],
  ]);
  assert.equal(log.confirmed, 0n);
  log.gone([1], 0);
  assert.equal(log.confirmed, 0n, "half of a transaction is none");
  log.gone([4], 0);
  assert.equal(log.confirmed, 0n, "a later one does not count before an earlier one");
  log.gone([2], 0);
  assert.equal(log.confirmed, 10n);
  log.gone([3], 0);
  assert.equal(log.confirmed, 30n);
  assert.equal(log.rows, 0);
});

test("OB-10: what the server says while nothing is pending moves it, and while something is it does not", () => {
  const log = withCommits([[10n, 1]]);
  log.quiet(50n, 0);
  assert.equal(log.confirmed, 0n);
  assert.equal(log.read, 50n);
  log.gone([1], 0);
  assert.equal(log.confirmed, 50n);
  log.quiet(60n, 0);
  assert.equal(log.confirmed, 60n);
});

test("OB-10: what the server says in the middle of a transaction says nothing about it", () => {
  const log = new Unconfirmed();
  log.inserted(1);
  log.quiet(50n, 0);
  assert.equal(log.confirmed, 0n);
  log.committed(40n, 0);
  log.gone([1], 0);
  assert.equal(log.confirmed, 40n);
});

test("a transaction of others' tables is done with at once", () => {
  assert.equal(withCommits([[10n]]).confirmed, 10n);
});

test("a row that stands still holds the log for a minute, and no longer", () => {
  const log = withCommits([[10n, 1]]);
  log.quiet(50n, 60_000);
  assert.equal(log.confirmed, 0n);
  log.quiet(51n, 60_001);
  assert.equal(log.confirmed, 51n);
  assert.equal(log.rows, 0);
});

test("what is remembered has a bound, and the oldest is let go", () => {
  const log = new Unconfirmed();
  for (let seq = 0; seq < 250_000; seq++) {
    log.inserted(seq);
    if (seq % 50_000 === 49_999) log.committed(BigInt(seq), 0);
  }
  assert.equal(log.rows, 100_000);
  assert.equal(log.confirmed, 149_999n);
});

test("the first rows are looked for first, and those that are gone never again", () => {
  const log = withCommits([
    [10n, 1, 2],
    [20n, 3, 4],
  ]);
  log.gone([1], 0);
  assert.deepEqual(log.pending(0, 2), [2, 3]);
  assert.deepEqual(log.pending(-1, 2), [], "too young");
});
