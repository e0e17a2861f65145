import type { OutgoingHttpHeaders } from "node:http";

import { httpDate } from "../../../base/http-date.ts";
import type { Retirement } from "../../retirement.ts";

/** How answers say that a version is to be used no more: `Deprecation` (RFC 9745), `Sunset` (RFC 8594), `Link`. */
export function retirementHeaders(
  retirement: Retirement | undefined,
): OutgoingHttpHeaders | undefined {
  if (retirement === undefined) return undefined;
  const { deprecatedAt, sunsetAt, link } = retirement;
  const relation = deprecatedAt === undefined ? "sunset" : "deprecation";
  return {
    ...(deprecatedAt === undefined ? {} : { deprecation: `@${Math.floor(deprecatedAt / 1_000)}` }),
    ...(sunsetAt === undefined ? {} : { sunset: httpDate(sunsetAt) }),
    ...(link === undefined ? {} : { link: `<${link}>; rel="${relation}"; type="text/html"` }),
  };
}
