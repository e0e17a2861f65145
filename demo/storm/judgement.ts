import type { Row } from "./tally.ts";

/** Fewer calls per second are no storm. */
const perSecondMin = 500;

/** In these phases nobody dies, so nobody needs to say "maybe". */
const gentle: ReadonlySet<string> = new Set(["roll", "registry"]);

/** What is asked of a storm whose replicas share the keys of their calls. */
export interface SharedTerms {
  readonly perSecondMin: number;
  /** In these phases no call fails whose handler writes in the transaction of its key. */
  readonly sure: ReadonlySet<string>;
}

/** What of a phase is not as it must be, a sentence each; empty when all is well. */
export function offOf(row: Row, shared?: SharedTerms): string[] {
  const { peer, phase, kinds: of, late, doubled, hung, untrue, perSecond } = row;
  const where = `${peer}, ${phase}`;
  const told = (count: number, what: string): string[] =>
    count === 0 ? [] : [`${where}: ${count} ${what}`];
  const unsaid = [of.byKey, of.plain].reduce(
    (sum, { errored, maybe, tooLate }) => sum + errored - maybe - tooLate,
    0,
  );
  return [
    ...(perSecond < (shared?.perSecondMin ?? perSecondMin)
      ? [`${where}: only ${perSecond} calls/s`]
      : []),
    ...told(of.idempotent.errored, "idempotent calls failed"),
    ...told(unsaid, 'other calls failed and did not say "maybe"'),
    ...(gentle.has(phase) ? told(of.plain.errored, "calls failed, though nobody died") : []),
    ...(shared?.sure.has(phase) === true
      ? told(of.byKey.errored, "calls failed that write in the transaction of their key")
      : []),
    ...told(doubled, "calls ran twice that may not"),
    ...told(late, "calls ran later than their deadline"),
    ...told(hung, "calls hung"),
    ...told(untrue, 'calls ran that were told executed: "no"'),
  ];
}
