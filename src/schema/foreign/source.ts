import { systemError } from "../../base/error.ts";
import { isRecord, pointerTokens, type JsonSchemaDialect } from "../dialect.ts";

/** The largest document as text: several times the largest that is public. */
const charsMax = 64 * 1024 * 1024;
/** References followed before one is taken for endless. */
const referencesMax = 16;
/** Of what could not be taken over; the rest is counted. */
const warningsMax = 200;

export type Fields = Readonly<Record<string, unknown>>;

/** What documents of a standard have in common. */
export interface DocumentForm {
  /** `OpenAPI` */
  readonly name: string;
  /** How its schemas are written. Throws INVALID_ARGUMENT for what is no such document, or of a version that is not read. */
  dialect(root: Fields): JsonSchemaDialect;
}

/** Somebody's document while it is read, and what could not be taken over from it. */
export class Source {
  readonly root: Fields;
  readonly dialect: JsonSchemaDialect;
  readonly #warnings: string[] = [];
  #unsaid = 0;

  constructor(given: unknown, form: DocumentForm) {
    this.root = parsed(given, form.name);
    this.dialect = form.dialect(this.root);
  }

  get warnings(): readonly string[] {
    return this.#unsaid === 0
      ? this.#warnings
      : [...this.#warnings, `and ${this.#unsaid} more like these`];
  }

  warn(where: string, what: string): void {
    if (this.#warnings.length < warningsMax) this.#warnings.push(`${where}: ${what}`.slice(0, 400));
    else this.#unsaid++;
  }

  /** An object of the document, its references followed; undefined: there is none, or it lies outside. */
  follow(part: unknown): Fields | undefined {
    let at = part;
    for (let followed = 0; followed < referencesMax; followed++) {
      if (!isRecord(at)) return undefined;
      const { $ref } = at;
      if (typeof $ref !== "string") return at;
      at = this.find($ref);
    }
    return undefined;
  }

  /** What a reference points to inside the document. */
  find(ref: string): unknown {
    if (!ref.startsWith("#")) return undefined;
    let at: unknown = this.root;
    for (const token of pointerTokens(ref.slice(1))) {
      const inside = typeof at === "object" && at !== null && Object.hasOwn(at, token);
      at = inside ? (at as Fields)[token] : undefined;
    }
    return at;
  }
}

function parsed(given: unknown, name: string): Fields {
  let document = given;
  if (typeof given === "string") {
    if (given.length > charsMax)
      throw refused(`the document has more than ${charsMax / 1024 / 1024} Mi characters`);
    try {
      document = JSON.parse(given);
    } catch (error) {
      const yaml = /^\s*[^\s{[]/.test(given);
      throw refused(
        yaml ? "the document is not JSON" : `the document is not JSON: ${(error as Error).message}`,
        yaml
          ? `if it is YAML, convert it: npx js-yaml ${name.toLowerCase()}.yaml > ${name.toLowerCase()}.json`
          : undefined,
      );
    }
  }
  if (!isRecord(document)) throw refused(`an ${name} document is an object`);
  return document;
}

export function refused(reason: string, advice?: string): Error {
  return systemError("INVALID_ARGUMENT", reason, { executed: "no", advice });
}

/** The fields of an object of the document; none where it has another form. */
export function fieldsOf(part: unknown): Fields {
  return isRecord(part) ? part : {};
}

export function textIn(part: unknown): string | undefined {
  return typeof part === "string" && part.trim() !== "" ? part.trim() : undefined;
}
