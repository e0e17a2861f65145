import type { IncomingHttpHeaders } from "node:http";

import { systemError } from "../../../base/error.ts";
import { majorIn, type Versions } from "../binding/versions.ts";
import { headerIn } from "./messages.ts";

/** What a request asks for. */
export interface Target {
  /** Still encoded. */
  readonly path: string;
  /** What stands behind the question mark, still encoded; empty where there is none. */
  readonly query: string;
}

/** Undefined: it is no target of a resource (`*`, or none at all). What a proxy writes in full is taken too (RFC 9112, 3.2.2). */
export function targetOf(url: string): Target | undefined {
  const from = url.startsWith("/") ? 0 : pathIn(url);
  if (from === undefined) return undefined;
  const mark = url.indexOf("?", from);
  if (mark < 0) return { path: from === 0 ? url : url.slice(from), query: "" };
  return { path: url.slice(from, mark), query: url.slice(mark + 1) };
}

function pathIn(url: string): number | undefined {
  const authority = /^https?:\/\/[^/?#]*/i.exec(url)?.[0];
  return authority === undefined || url[authority.length] !== "/" ? undefined : authority.length;
}

/** The major version that a request names outside of its path; undefined: it names none. */
export function majorOf(
  versions: Versions,
  { query }: Target,
  headers: IncomingHttpHeaders,
): number | undefined {
  if (versions.query !== undefined && query !== "") {
    const found = parameter(query, versions.query);
    if (found !== undefined) return known(found, `the query parameter ${versions.query}`);
  }
  if (versions.header !== undefined) {
    const found = headerIn(headers, versions.header);
    if (found !== undefined) return known(found, `the header ${versions.header}`);
  }
  if (!versions.mediaType) return undefined;
  return mediaMajor(headers["content-type"]) ?? mediaMajor(headers.accept);
}

/** The text of a query parameter, as it stands there: numbers need no escape. */
function parameter(query: string, name: string): string | undefined {
  for (const pair of query.split("&")) {
    if (pair.startsWith(name) && pair[name.length] === "=") return pair.slice(name.length + 1);
  }
  return undefined;
}

/** Of the first of ours; the highest it can be is six digits. */
function mediaMajor(list: string | undefined): number | undefined {
  if (list === undefined) return undefined;
  const found = /application\/vnd\.[a-z0-9.-]{1,200}\.v(\d{1,6})\+/.exec(list)?.[1];
  return found === undefined ? undefined : Number(found);
}

function known(text: string, what: string): number {
  const major = majorIn(text);
  if (major !== undefined) return major;
  const reason = `${what} is a version like 2, not ${JSON.stringify(text.slice(0, 100))}`;
  throw systemError("INVALID_ARGUMENT", reason, { executed: "no" });
}
