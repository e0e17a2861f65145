import type { Retirement } from "../protocol/retirement.ts";
import type { Store } from "../store/store.ts";

/** What is said of a service as a whole. `Tx` is what the client of its store calls a transaction. */
export interface ServiceTerms<Tx = unknown> {
  /**
   * From when on nobody should use this version any more: `"2026-12-01"`, or with a time and its offset. It is served as
   * before; callers are told (over HTTP by `Deprecation`, RFC 9745). Default: it is not deprecated.
   */
  readonly deprecated?: string;
  /**
   * From when on this version may be gone. It is served until you leave it out; callers are told (over HTTP by `Sunset`,
   * RFC 8594). Not before `deprecated`. Default: nobody knows.
   */
  readonly sunset?: string;
  /** A URL where people read what to do instead; told with the two above. Default none. */
  readonly link?: string;
  /** A URL of the version that comes after it; told with them too (over HTTP as `successor-version`, RFC 5829). Default none. */
  readonly successor?: string;
  /**
   * Its commands, and its calls that are idempotent by key, run in a transaction of this store: what they write by `tx` and publish
   * is committed together with their being done, or not at all. Default: none.
   */
  readonly store?: Store<Tx>;
}

const isoDate = /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d))?$/;

/** What the terms say, for the protocols; what is wrong with them is left to `termsProblems`. */
export function retirementOf(terms: ServiceTerms): Retirement | undefined {
  const { deprecated, sunset, link, successor } = terms;
  if (deprecated === undefined && sunset === undefined) return undefined;
  return Object.freeze({
    ...(deprecated === undefined ? {} : { deprecatedAt: Date.parse(deprecated) }),
    ...(sunset === undefined ? {} : { sunsetAt: Date.parse(sunset) }),
    ...(link === undefined ? {} : { link }),
    ...(successor === undefined ? {} : { successor }),
  });
}

/** What is wrong with the terms of the service of that name, in words for a person. */
export function termsProblems(name: string, terms: ServiceTerms): string[] {
  const { deprecated, sunset, link, successor } = terms;
  const problems: string[] = [];
  for (const [term, given] of [
    ["deprecated", deprecated],
    ["sunset", sunset],
  ] as const) {
    if (given === undefined || (isoDate.test(given) && !Number.isNaN(Date.parse(given)))) continue;
    problems.push(
      `${name}: ${term} ${JSON.stringify(given)} is not a date.\n     → write "2026-12-01", or "2026-12-01T09:00Z"`,
    );
  }
  if (deprecated !== undefined && Date.parse(sunset ?? "") < Date.parse(deprecated))
    problems.push(`${name}: its sunset is before it is deprecated.\n     → exchange the two`);
  for (const [term, given] of [
    ["link", link],
    ["successor", successor],
  ] as const) {
    if (given === undefined || URL.canParse(given)) continue;
    problems.push(
      `${name}: ${term} ${JSON.stringify(given)} is not a URL.\n     → write it whole, with https://`,
    );
  }
  return problems;
}
