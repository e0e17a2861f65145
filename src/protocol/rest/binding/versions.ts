import { systemError } from "../../../base/error.ts";
import type { VersionsBy } from "../options.ts";

/** How versions are told, and which one is meant where none is. */
export interface Versions {
  readonly uri: boolean;
  readonly mediaType: boolean;
  /** The name of the query parameter. */
  readonly query: string | undefined;
  /** The name of the header, in lower case. */
  readonly header: string | undefined;
  /** What a client uses. */
  readonly first: VersionsBy;
}

/** Throws INVALID_ARGUMENT when a way is named twice, or is none. */
export function versionsOf(given: VersionsBy | readonly VersionsBy[] = "uri"): Versions {
  const list: readonly VersionsBy[] = Array.isArray(given) ? given : [given as VersionsBy];
  let [uri, mediaType] = [false, false];
  let [query, header]: (string | undefined)[] = [];
  for (const by of list) {
    if (by === "uri") uri = true;
    else if (by === "media-type") mediaType = true;
    else if (by === "none") continue;
    else if ("query" in by && query === undefined && /^[\w.~-]+$/.test(by.query)) query = by.query;
    else if ("header" in by && header === undefined && /^[\w.-]+$/.test(by.header))
      header = by.header.toLowerCase();
    else
      throw refused(`versions: ${JSON.stringify(by)} is no way to tell a version, or a second one`);
  }
  if (list.length > 1 && list.includes("none")) throw refused(`versions: "none" stands alone`);
  return { uri, mediaType, query, header, first: list[0] ?? "none" };
}

/** A path with its version in it: after the base, before all else. */
export function versionedPath(path: string, base: string, major: number): string {
  return `${base}/v${major}${path.slice(base.length)}`;
}

/** The media type of a version of a contract: `application/vnd.orders.v2+json`. */
export function versionedMediaType(contract: string, major: number, format: string): string {
  return `application/vnd.${contract}.v${major}+${format}`;
}

/** The major version that a text names: `2`, `v2`, `2.1`; undefined when it names none. */
export function majorIn(text: string): number | undefined {
  const match = /^v?(\d{1,6})(?:\.\d{1,6}){0,2}$/.exec(text.trim());
  return match === null ? undefined : Number(match[1]);
}

function refused(reason: string): Error {
  return systemError("INVALID_ARGUMENT", reason, { executed: "no" });
}
