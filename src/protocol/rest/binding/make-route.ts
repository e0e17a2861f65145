import { isBytes, type OperationShape } from "../../../base/contract-shape.ts";
import type { Answer, Body, Page, Param, Route } from "../route.ts";
import type { Collection, Place } from "./convention.ts";
import { formOf, type Form } from "./fields.ts";
import type { RouteTerms } from "./terms.ts";
import { textType } from "./text.ts";

/** What a route is made from. */
export interface Draft {
  readonly member: string;
  readonly shape: OperationShape;
  readonly place: Place;
  readonly terms: RouteTerms;
  readonly collection: Collection;
  /** Status by declared code, of all operations. */
  readonly errors: Readonly<Record<string, number>>;
}

/** The status of declared errors that do not say their own. */
const statusOfErrors: Readonly<Record<string, number>> = { NOT_FOUND: 404, OUT_OF_RANGE: 400 };
const statusOfOtherErrors = 409;

/** Of answers to reads: caches may keep them, and ask each time whether they still hold. */
const cacheControlOfReads = "no-cache";

/** The name of a query parameter that is the whole input. */
const wholeName = "q";

const bodiless: ReadonlySet<string> = new Set(["GET", "DELETE"]);

/** Distributes the fields over path, query, headers and body. What cannot be done goes into `problems`. */
export function makeRoute(draft: Draft, problems: string[]): Route {
  const { member, shape, place, terms } = draft;
  const many = shape.kind === "upload";
  const form = formOf(many ? shape.head : shape.in);
  const params = new Params(form, draft.collection, problems);
  for (const [, name] of place.path.matchAll(/\{([^{}]*)\}/g)) params.path(name!);
  for (const [field, name] of Object.entries(terms.header ?? {})) params.add("header", field, name);
  for (const [field, name] of namesOf(terms.query)) params.add("query", field, name);
  const bodyField = terms.body?.field;
  if (bodyField !== undefined) {
    params.take(bodyField);
    if (place.method === "GET") problems.push("a GET has no body");
  }
  if (bodiless.has(place.method) || (many && params.restFits && bodyField === undefined))
    params.rest();
  const rest = params.left;
  return {
    member,
    method: place.method,
    path: place.path,
    params: params.list,
    body: many ? bodyOfUpload(shape, rest) : bodyField === undefined ? bodyOf(form, rest) : "whole",
    bodyField,
    head: many ? rest : "none",
    answer: answerOf(shape),
    status: statusOf(draft),
    errors: errorsOf(draft),
    contentType: terms.contentType,
    isFailure: draft.terms.isFailure,
    cacheControl: cacheControlOf(draft),
    ...pageOf(draft, params.list, problems),
  };
}

/** Which fields stand where. */
class Params {
  readonly list: Param[] = [];
  readonly #form: Form;
  readonly #collection: Collection;
  readonly #problems: string[];
  readonly #taken = new Set<string>();
  #whole = false;

  constructor(form: Form, collection: Collection, problems: string[]) {
    this.#form = form;
    this.#collection = collection;
    this.#problems = problems;
  }

  /** What is not in a parameter yet. */
  get left(): "none" | "fields" | "whole" {
    const form = this.#form;
    if (form.is === "nothing" || this.#whole) return "none";
    if (form.is !== "object") return this.#taken.size === 0 ? "whole" : "fields";
    if (this.#taken.size === 0 && (form.fields.size > 0 || form.open)) return "whole";
    return form.fields.size > this.#taken.size || form.open ? "fields" : "none";
  }

  /** What is left can stand in the query. */
  get restFits(): boolean {
    const form = this.#form;
    if (form.is === "text") return true;
    if (form.is !== "object") return false;
    const left = [...form.fields.values()].filter(({ name }) => !this.#taken.has(name));
    return !form.open && left.every(({ text }) => text);
  }

  path(name: string): void {
    const form = this.#form;
    if (form.is === "text") return this.#takeWhole("path", name);
    const own =
      form.is === "object" && !form.fields.has(name) && name === this.#collection.identity;
    const field = own ? "id" : name;
    if (form.is === "object" && form.fields.get(field)?.required === false)
      this.#problems.push(`"${field}" is in its path, and may be left out of its input`);
    this.add("path", field, name);
  }

  add(where: Param["in"], field: string, name: string): void {
    const form = this.#form;
    if (!this.take(field)) return;
    const known = form.is === "object" ? form.fields.get(field) : undefined;
    const schema = known?.schema ?? { type: "string" };
    if (known?.text === false || (where !== "query" && textType(schema)?.many === true))
      this.#problems.push(`"${field}" cannot be told as text, and stands in its ${where}`);
    this.list.push({
      in: where,
      name,
      field,
      schema,
      required: where === "path" || (known?.required ?? false),
    });
  }

  /** Says that a field has its place. */
  take(field: string): boolean {
    const form = this.#form;
    const there =
      form.is === "object" ? form.fields.has(field) : form.is === "value" && form.unknown;
    if (!there) this.#problems.push(`its input has no field "${field}"`);
    else if (this.#taken.has(field)) this.#problems.push(`"${field}" stands in two places`);
    else this.#taken.add(field);
    return there;
  }

  /** All that is left goes into the query. */
  rest(): void {
    const form = this.#form;
    if (form.is === "text" && !this.#whole) this.#takeWhole("query", wholeName);
    else if (form.is === "object") {
      if (form.open) this.#problems.push(`its input has fields whose names are not known`);
      for (const { name } of form.fields.values())
        if (!this.#taken.has(name)) this.add("query", name, name);
    } else if ((form.is === "value" && this.#taken.size === 0) || form.is === "bytes")
      this.#problems.push("its input cannot stand in path and query");
  }

  #takeWhole(where: Param["in"], name: string): void {
    if (this.#whole) {
      this.#problems.push(`its input is one value, and its path has several parameters`);
      return;
    }
    this.#whole = true;
    const { schema } = this.#form as Form & { is: "text" };
    this.list.push({ in: where, name, field: undefined, schema, required: true });
  }
}

function namesOf(query: RouteTerms["query"]): readonly (readonly [string, string])[] {
  if (query === undefined) return [];
  return Array.isArray(query)
    ? query.map((name: string) => [name, name] as const)
    : Object.entries(query as Readonly<Record<string, string>>);
}

function bodyOf(form: Form, rest: "none" | "fields" | "whole"): Body {
  return rest === "whole" && form.is === "bytes" ? "bytes" : rest;
}

function bodyOfUpload(shape: OperationShape, rest: "none" | "fields" | "whole"): Body {
  return isBytes(shape.in) && rest === "none" ? "bytes" : "items";
}

function answerOf({ kind, out }: OperationShape): Answer {
  if (kind === "stream") return "items";
  if (kind === "notification" || out === undefined) return "none";
  return isBytes(out) ? "bytes" : "whole";
}

function statusOf({ shape, place, terms }: Draft): number {
  if (terms.status !== undefined) return terms.status;
  if (shape.kind === "notification") return 202;
  if (shape.kind !== "stream" && shape.out === undefined) return 204;
  return place.creates === true ? 201 : 200;
}

function errorsOf({ shape, terms, errors }: Draft): Readonly<Record<string, number>> {
  const statusFor = (code: string): number =>
    terms.errors?.[code] ?? errors[code] ?? statusOfErrors[code] ?? statusOfOtherErrors;
  return Object.fromEntries(Object.keys(shape.errors ?? {}).map((code) => [code, statusFor(code)]));
}

function pageOf(
  { shape, place, terms }: Draft,
  params: readonly Param[],
  problems: string[],
): { readonly page?: Page } {
  if (terms.page === false || place.method !== "GET") return {};
  const { cursor, next } = terms.page ?? { cursor: "cursor", next: "next" };
  const param = params.find(({ in: where, field }) => where === "query" && field === cursor);
  const out = formOf(shape.out);
  if (param !== undefined && out.is === "object" && out.fields.has(next))
    return { page: { cursor: param.name, next } };
  if (terms.page !== undefined)
    problems.push(`its pages need "${cursor}" in the query and "${next}" in the output`);
  return {};
}

function cacheControlOf({ shape, place, terms }: Draft): string | undefined {
  if (terms.cacheControl !== undefined)
    return terms.cacheControl === false ? undefined : terms.cacheControl;
  return place.method === "GET" && shape.kind === "call" ? cacheControlOfReads : undefined;
}
