import type { Format } from "../../../codec/format.ts";
import { json } from "../../../codec/json.ts";
import { raw } from "../../../codec/raw.ts";
import type { Operation } from "../../operation.ts";
import type { Route } from "../route.ts";
import { itemsMediaType } from "../wire/envelope.ts";

const octets = "application/octet-stream";
const lines = "application/x-ndjson";
export const events = "text/event-stream";
const problems = "application/problem+json";

/** How an operation is to be told and answered. */
export interface MediaTerms {
  readonly operation: Operation;
  readonly route: Route;
  readonly format: Format;
  /** The media type says which major version is meant. */
  readonly versioned: boolean;
  /** The service is not Trunkline: items travel as others know them. */
  readonly foreign: boolean;
}

/** The media type of the request's body; undefined where there is none. */
export function contentType(terms: MediaTerms): string | undefined {
  const { operation, route, format, foreign } = terms;
  const many = operation.kind === "upload";
  const bytes = (many ? operation.input : operation.first) === raw;
  if (route.body === "none") return undefined;
  if (route.contentType !== undefined) return route.contentType;
  if (!many) return bytes ? octets : plainType(terms);
  if (!foreign) return itemsMediaType(bytes ? "octet-stream" : format.name);
  return bytes ? octets : lines;
}

/** What is asked for, as `Accept` says it: the best first. */
export function acceptedTypes(terms: MediaTerms): string {
  const { operation, route, format, foreign, versioned } = terms;
  const bytes = operation.output === raw;
  const types: string[] = [];
  if (route.answer === "items") {
    if (!foreign) types.push(itemsMediaType(bytes ? "octet-stream" : format.name));
    if (bytes) types.push(`${octets};q=0.5`);
    else types.push(`${lines};q=0.5`, `${events};q=0.4`);
    if (versioned) types.push(`${plainType(terms)};q=0.3`);
  } else if (bytes) types.push(octets, "*/*;q=0.1");
  else {
    types.push(plainType(terms));
    if (format.id !== json.id) types.push("application/json;q=0.5");
  }
  return [...types, problems].join(", ");
}

function plainType({ operation, format, versioned }: MediaTerms): string {
  const { name, major } = operation.owner;
  return versioned ? `application/vnd.${name}.v${major}+${format.name}` : format.mediaTypes[0];
}
