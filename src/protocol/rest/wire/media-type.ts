/** The media type of a `Content-Type`, without parameters, in lower case; empty where there is none. */
export function mediaTypeIn(contentType: string | undefined): string {
  if (contentType === undefined) return "";
  const end = contentType.indexOf(";");
  return (end < 0 ? contentType : contentType.slice(0, end)).trim().toLowerCase();
}

/** The `charset` of a `Content-Type`, in lower case; undefined where it tells none. */
export function charsetIn(contentType: string): string | undefined {
  return /;\s*charset\s*=\s*"?([\w.-]+)"?/i.exec(contentType)?.[1]?.toLowerCase();
}

/** One thing that a list like `Accept` or `Accept-Encoding` takes, and how gladly: 0 to 1. */
export interface Preference {
  readonly name: string;
  readonly quality: number;
}

/** More than any honest list has; what stands behind them is not read. */
const preferencesMax = 64;

/** Reads such a list (RFC 9110, 12.4.2). A quality that is none counts as 1; parameters of media types are not looked at. */
export function preferencesIn(list: string): readonly Preference[] {
  return list
    .split(",", preferencesMax)
    .map((each) => {
      const [name = "", ...parameters] = each.split(";");
      const quality = parameters
        .map((parameter) => /^\s*q=(0(?:\.\d{0,3})?|1(?:\.0{0,3})?)\s*$/i.exec(parameter)?.[1])
        .find((text) => text !== undefined);
      return {
        name: name.trim().toLowerCase(),
        quality: quality === undefined ? 1 : Number(quality),
      };
    })
    .filter(({ name }) => name !== "");
}

/**
 * Which of the `offered` media types an `Accept` likes best; of several that it likes as well the first. Undefined: none.
 * Without the header everything is welcome.
 */
export function preferredType(
  accept: string | undefined,
  offered: readonly string[],
): string | undefined {
  if (accept === undefined || accept === "*/*" || accept.trim() === "") return offered[0];
  const ranges = preferencesIn(accept);
  let best: string | undefined;
  let bestQuality = 0;
  for (const type of offered) {
    const quality = qualityOf(type, ranges);
    if (quality > bestQuality) [best, bestQuality] = [type, quality];
  }
  return best;
}

/** The most exact range decides. */
function qualityOf(type: string, ranges: readonly Preference[]): number {
  const family = `${type.slice(0, type.indexOf("/"))}/*`;
  for (const name of [type, family, "*/*"]) {
    const range = ranges.find((each) => each.name === name);
    if (range !== undefined) return range.quality;
  }
  return 0;
}
