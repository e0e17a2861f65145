import type { OperationShape } from "../../../base/contract-shape.ts";
import type { Method } from "../route.ts";
import { formOf, type Form } from "./fields.ts";
import { identityName, kebab, singular, verbOf, type Verb } from "./verbs.ts";

/** Where operations of a contract stand. */
export interface Collection {
  /** With the base: `/api/orders`. */
  readonly path: string;
  readonly name: string;
  /** What identifies one of it, in paths: `orderId`. */
  readonly identity: string;
}

export function collectionOf(base: string, name: string): Collection {
  return { path: `${base}/${name}`, name, identity: identityName(name) };
}

/** Where an operation stands; what becomes of its fields follows from it. */
export interface Place {
  readonly method: Method;
  readonly path: string;
  /** It makes something new. */
  readonly creates?: boolean;
}

/** One operation while a place is looked for. */
interface Subject {
  readonly shape: OperationShape;
  readonly member: string;
  readonly verb: Verb;
  readonly form: Form;
  readonly collection: Collection;
  /** One of the collection, when the input names it. */
  readonly item: string | undefined;
}

/** Where an operation stands when nobody says otherwise. `docs/rest.md` has it as a table. */
export function placeOf(shape: OperationShape, member: string, collection: Collection): Place {
  const subject = subjectOf(shape, member, collection);
  switch (shape.kind) {
    case "call":
      return placeOfCall(subject) ?? otherPlace(subject);
    case "stream":
      return placeOfStream(subject) ?? otherPlace(subject);
    case "upload":
      return placeOfUpload(subject) ?? otherPlace(subject);
    default:
      return otherPlace(subject);
  }
}

/** Where an operation stands when its place is taken: under its own name. */
export function fallbackOf(shape: OperationShape, member: string, collection: Collection): Place {
  return otherPlace(subjectOf(shape, member, collection));
}

function subjectOf(shape: OperationShape, member: string, collection: Collection): Subject {
  const verb = verbOf(member);
  const form = formOf(shape.kind === "upload" ? shape.head : shape.in);
  const item = identifies(form, verb, collection)
    ? `${collection.path}/{${collection.identity}}`
    : undefined;
  return { shape, member, verb, form, collection, item };
}

function identifies(form: Form, verb: Verb, collection: Collection): boolean {
  if (form.is === "object") {
    const field = form.fields.get(collection.identity) ?? form.fields.get("id");
    return field !== undefined && field.required && isName(field.schema);
  }
  if (form.is !== "text" || !isName(form.schema)) return false;
  // `orders.ship(id)` names an order; what `greeter.hello(name)` is given is any text.
  return verb.act !== undefined || singular(collection.name) !== collection.name;
}

/** Texts and whole numbers name things; of a list of choices each has a meaning of its own. */
function isName({ type, enum: choices }: Readonly<Record<string, unknown>>): boolean {
  return (type === "string" || type === "integer") && choices === undefined;
}

function placeOfCall(subject: Subject): Place | undefined {
  const { shape, verb, collection, item } = subject;
  const about = aboutCollection(subject);
  const reads = shape.idempotent === true && fitsWithoutBody(subject);
  switch (verb.act) {
    case "fetch":
      return reads ? { method: "GET", path: under(item ?? collection.path, subject) } : undefined;
    case "list":
      return reads ? { method: "GET", path: under(collection.path, subject) } : undefined;
    case "create":
      return about ? { method: "POST", path: collection.path, creates: true } : undefined;
    case "update":
      return about && item !== undefined ? { method: "PATCH", path: item } : undefined;
    case "replace":
      return about && item !== undefined ? { method: "PUT", path: item } : undefined;
    case "remove":
      return about && item !== undefined && fitsWithoutBody(subject)
        ? { method: "DELETE", path: item }
        : undefined;
    default:
      return undefined;
  }
}

function placeOfStream(subject: Subject): Place | undefined {
  const { shape, verb, collection, item, member } = subject;
  const reads = ["fetch", "list", "watch"].includes(verb.act ?? "") || shape.idempotent === true;
  if (!reads || !fitsWithoutBody(subject)) return undefined;
  if (verb.act === "list") return { method: "GET", path: under(collection.path, subject) };
  return { method: "GET", path: `${item ?? collection.path}/${kebab(member)}` };
}

function placeOfUpload(subject: Subject): Place | undefined {
  const { verb, collection, item } = subject;
  if (!aboutCollection(subject)) return undefined;
  const stores = verb.act === "store" || verb.act === "replace";
  if (stores && item !== undefined) return { method: "PUT", path: item };
  if (stores || verb.act === "create")
    return { method: "POST", path: collection.path, creates: true };
  return undefined;
}

function otherPlace({ collection, item, member }: Subject): Place {
  return { method: "POST", path: `${item ?? collection.path}/${kebab(member)}` };
}

/** The operation is about the resource itself (`place`, `placeOrder`), not about something of it (`placeBid`). */
function aboutCollection({ verb, collection }: Subject): boolean {
  return verb.object === "" || [collection.name, singular(collection.name)].includes(verb.object);
}

/** `getStatus` reads what is called `status`. */
function under(path: string, subject: Subject): string {
  return aboutCollection(subject) ? path : `${path}/${subject.verb.object}`;
}

/** Everything that is given can stand in path and query. */
function fitsWithoutBody({ form }: Subject): boolean {
  if (form.is !== "object") return form.is === "nothing" || form.is === "text";
  return !form.open && [...form.fields.values()].every(({ text }) => text);
}
