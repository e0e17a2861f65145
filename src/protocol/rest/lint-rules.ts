import type { ContractShape, JsonSchema, OperationShape } from "../../base/contract-shape.ts";
import { kebab, singular, verbOf } from "./binding/verbs.ts";
import { resolved } from "./openapi/subset.ts";
import type { Route } from "./route.ts";

/** How much a finding matters: an `error` promises what cannot be kept, a `warning` is what REST teaches otherwise, `info` is advice. */
export type Severity = "error" | "warning" | "info";

/** One rule: what it asks for, and how it looks at an operation or a contract. */
export interface Rule {
  readonly severity: Severity;
  /** One line for a list of the rules. */
  readonly about: string;
  readonly operation?: (subject: Subject) => Said | undefined;
  readonly contract?: (shape: ContractShape) => Said | undefined;
}

export type Said = readonly [what: string, advice: string];

/** An operation at its place. */
interface Subject {
  readonly shape: OperationShape;
  readonly route: Route;
  readonly segments: readonly string[];
}

/** Collections below each other, past which nobody finds the way: /orders/{}/lines/{}/parts. */
const depthMax = 3;

/** Methods that HTTP lets others repeat without being asked (RFC 9110, 9.2.2). */
const repeatable: ReadonlySet<string> = new Set(["GET", "PUT", "DELETE"]);

/** The rules by name. Each can be switched off by it. */
export const rules: Readonly<Record<string, Rule>> = {
  "get-is-idempotent": {
    severity: "error",
    about: "a GET changes nothing: clients, caches and crawlers repeat it",
    operation: ({ route, shape: { idempotent, kind } }) =>
      route.method === "GET" && idempotent !== true && kind === "call"
        ? [
            "GET is repeated by whoever likes, and this is not idempotent",
            "say `idempotent: true` if it is, else bind it to POST",
          ]
        : undefined,
  },
  "method-is-idempotent": {
    severity: "warning",
    about: "PUT and DELETE may be repeated, and the contract should say so",
    operation: ({ route, shape: { idempotent } }) =>
      route.method !== "GET" && repeatable.has(route.method) && idempotent === false
        ? [
            `${route.method} may be repeated by what HTTP says, and the contract does not`,
            'say `idempotent: true`, or `"by-key"`',
          ]
        : undefined,
  },
  "path-is-nouns": {
    severity: "warning",
    about: "paths name things; the method says what is done",
    operation: ({ segments, route: { path }, shape: { kind } }) => {
      // What stands before an identity is the name of a collection, and nouns may look like verbs.
      const acts = segments.filter((segment) => !path.includes(`/${segment}/{`));
      const verb = acts.find((segment) => (verbOf(segment).act ?? "watch") !== "watch");
      if (verb === undefined || kind === "stream") return undefined;
      const { object } = verbOf(verb);
      const advice =
        object === ""
          ? "name what it makes or changes, and let the method say what is done"
          : `call it "${object}", and let the method say what is done`;
      return [`"${verb}" is something to do, not a thing`, advice];
    },
  },
  "path-has-hyphens": {
    severity: "warning",
    about: "words in paths are small, with hyphens between them",
    operation: ({ segments }) => {
      const wrong = segments.find((segment) => /[A-Z_]/.test(segment));
      return wrong === undefined
        ? undefined
        : [
            `"${wrong}" has capitals or underscores`,
            `write "${kebab(wrong).replaceAll("_", "-")}"`,
          ];
    },
  },
  "path-has-no-end": {
    severity: "warning",
    about: "paths end neither with a slash nor with the name of a format",
    operation: ({ route: { path } }) => {
      if (path.length > 1 && path.endsWith("/"))
        return ["the path ends with a slash", "leave it out"];
      return /\.(json|xml|html|csv)$/i.test(path)
        ? ["the path names a format", "leave it out: `Accept` says what is wanted"]
        : undefined;
    },
  },
  "collection-is-plural": {
    severity: "warning",
    about: "what holds many is called by its plural: /orders/{orderId}",
    operation: ({ route: { path } }) => {
      const [, noun] = /([^/{}]+)\/\{[^{}]+\}$/.exec(path) ?? [];
      return noun === undefined || singular(noun) !== noun || /(?:data|news|info)$/.test(noun)
        ? undefined
        : [`"${noun}" holds several and is called as one`, `write "${plural(noun)}"`];
    },
  },
  "identity-in-path": {
    severity: "warning",
    about: "what names a thing stands in the path, not in the query",
    operation: ({ route: { params } }) => {
      const id = params.find(
        ({ in: where, name, field }) =>
          where === "query" &&
          /^id$|[a-z]Id$/.test(field ?? name) &&
          params.every((each) => each.in !== "path"),
      );
      return id === undefined || !id.required
        ? undefined
        : [
            `"${id.name}" names one thing, and stands in the query`,
            `put it into the path: {${id.name}}`,
          ];
    },
  },
  "options-in-query": {
    severity: "warning",
    about: "what filters, sorts and pages stands in the query",
    operation: ({ route: { params } }) => {
      const option = params.find(({ in: where, name }) => where === "path" && options.test(name));
      return option === undefined
        ? undefined
        : [`"${option.name}" is an option, and stands in the path`, "put it into the query"];
    },
  },
  "depth-is-bounded": {
    severity: "warning",
    about: `paths are at most ${depthMax} collections deep`,
    operation: ({ route: { path } }) => {
      const depth = path.match(/\{[^{}]+\}/g)?.length ?? 0;
      return depth < depthMax + 1
        ? undefined
        : [
            `it lies in ${depth} things that lie in each other`,
            "what has an identity of its own stands at the top: /parts/{partId}",
          ];
    },
  },
  "reads-are-gets": {
    severity: "info",
    about: "what only reads is a GET, which caches understand",
    operation: ({ route, shape: { kind, idempotent } }) =>
      kind === "call" &&
      idempotent === true &&
      route.method === "POST" &&
      ["fetch", "list"].includes(verbOf(route.member).act ?? "")
        ? [
            "it reads, and is a POST",
            "let its input fit into path and query: texts, numbers, truths, lists of them",
          ]
        : undefined,
  },
  "lists-have-pages": {
    severity: "warning",
    about: "a list that may grow is read page by page",
    operation: ({ route, shape: { kind, out } }) => {
      if (kind !== "call" || route.method !== "GET" || out === undefined) return undefined;
      const { type, maxItems } = resolved(out);
      if (type !== "array" || maxItems !== undefined) return undefined;
      return route.params.some(({ in: where, name }) => where === "query" && pages.test(name))
        ? undefined
        : [
            "it answers with a list that has no end, at once",
            "take `limit` and `after`, bound it by `maxItems`, or make it a stream",
          ];
    },
  },
  "creation-names-what-it-made": {
    severity: "warning",
    about: "the answer of a creation has the identity of what was made",
    operation: ({ route: { status }, shape: { out } }) =>
      status !== 201 || identityIn(out)
        ? undefined
        : ["it makes something, and does not say what it is called", "answer with an `id`"],
  },
  "status-fits": {
    severity: "error",
    about: "the status of success says what the answer is",
    operation: ({ route: { status, answer } }) => {
      if (status === 204 && answer !== "none")
        return ["204 says that there is no body, and there is one", "let it be 200"];
      return status === 205 || status === 206
        ? [`${status} means something else`, "let it be 200 or 204"]
        : undefined;
    },
  },
  "error-status-fits": {
    severity: "warning",
    about: "declared errors have a status that is a caller's to mend",
    operation: ({ route: { errors } }) => {
      const wrong = Object.entries(errors).find(
        ([, status]) => status >= 500 || status === 401 || status === 429,
      );
      return wrong === undefined
        ? undefined
        : [
            `${wrong[0]} has the status ${wrong[1]}, by which proxies and clients understand something else`,
            "use one of 400, 404, 409, 410, 422",
          ];
    },
  },
  "fetch-may-find-nothing": {
    severity: "info",
    about: "what reads one thing says when there is none",
    operation: ({ route, shape: { kind, errors = {}, out } }) => {
      const one = route.method === "GET" && route.path.endsWith("}") && kind === "call";
      if (
        !one ||
        Object.values(route.errors).includes(404) ||
        "NOT_FOUND" in errors ||
        nullable(out)
      )
        return undefined;
      return [
        "it reads one thing, and declares nothing for when there is none",
        "declare NOT_FOUND",
      ];
    },
  },
  "is-described": {
    severity: "info",
    about: "every operation has a description",
    operation: ({ shape: { description } }) =>
      description === undefined
        ? ["nothing says what it is for", "give it a `description`"]
        : undefined,
  },
  "inputs-are-known": {
    severity: "info",
    about: "schemas say what they describe",
    operation: ({ shape }) => {
      const sides = (["head", "in", "out"] as const).filter((side) => saysNothing(shape[side]));
      return sides.length === 0
        ? undefined
        : [
            `nothing is known of its ${sides.join(", ")}`,
            "use a schema library that gives JSON Schema",
          ];
    },
  },
  "contract-has-operations": {
    severity: "warning",
    about: "a contract says something",
    contract: ({ operations }) =>
      Object.keys(operations).length === 0
        ? ["it has no operation", "declare one, or leave it out"]
        : undefined,
  },
};

const options =
  /^(?:page|limit|offset|sort|order|filter|query|q|size|fields|lang|format|after|before|cursor)(?:[A-Z_-](?!d$).*)?$/;
const pages = /^(?:page|limit|offset|cursor|after|before|size|first|last|per)/i;

function plural(noun: string): string {
  if (/[^aeiou]y$/.test(noun)) return `${noun.slice(0, -1)}ies`;
  return /(?:s|sh|ch|x|z)$/.test(noun) ? `${noun}es` : `${noun}s`;
}

function identityIn(out: JsonSchema | undefined): boolean {
  if (out === undefined) return false;
  const { type, properties } = resolved(out);
  if (type === "string" || type === "integer") return true;
  return Object.keys(properties ?? {}).some((name) => /^id$|[a-z]Id$/.test(name));
}

function nullable(out: JsonSchema | undefined): boolean {
  return out !== undefined && JSON.stringify(resolved(out)).includes('"null"');
}

function saysNothing(schema: JsonSchema | undefined): boolean {
  return (
    schema !== undefined &&
    Object.keys(schema).every((word) => ["$comment", "description", "title"].includes(word))
  );
}
