import type { OutgoingHttpHeaders } from "node:http";

import { httpDate } from "../base/http-date.ts";
import type { Retirement } from "./retirement.ts";

/**
 * How answers over HTTP say that a version is to be used no more: `Deprecation` (RFC 9745), `Sunset` (RFC 8594), and `Link`
 * with what both of these and RFC 5829 (`successor-version`) name.
 */
export function retirementHeaders(retirement: Retirement): OutgoingHttpHeaders {
  const { deprecatedAt, sunsetAt, link, successor } = retirement;
  const about = [
    ...(deprecatedAt === undefined ? [] : ["deprecation"]),
    ...(sunsetAt === undefined ? [] : ["sunset"]),
  ];
  const links = [
    ...(link === undefined ? [] : [`<${link}>; rel="${about.join(" ")}"; type="text/html"`]),
    ...(successor === undefined ? [] : [`<${successor}>; rel="successor-version"`]),
  ];
  return {
    ...(deprecatedAt === undefined ? {} : { deprecation: `@${Math.floor(deprecatedAt / 1_000)}` }),
    ...(sunsetAt === undefined ? {} : { sunset: httpDate(sunsetAt) }),
    ...(links.length === 0 ? {} : { link: links.join(", ") }),
  };
}
