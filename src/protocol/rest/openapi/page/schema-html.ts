import { isRecord } from "../../../../schema/dialect.ts";
import { html, type Html } from "./html.ts";

/** Objects shown inside each other; what lies deeper is shown by its type alone. */
const depthMax = 6;

type Schemas = Readonly<Record<string, unknown>>;

/** A schema as people read it: its type, and its fields under it. */
export function schemaHtml(schema: unknown): Html {
  return shown(schema, 0);
}

/** As above, with the fields of what it refers to by name: of `Order`, and of a list of them. */
export function openedHtml(schema: unknown, schemas: Schemas): Html {
  const own = shown(schema, 0);
  const target = isRecord(schema) ? targetOf(schema, schemas) : undefined;
  return target === undefined ? own : html`${own}${fieldsHtml(target, 0)}`;
}

function targetOf(schema: Schemas, schemas: Schemas): Schemas | undefined {
  const { $ref, items } = schema;
  const ref = typeof $ref === "string" ? $ref : isRecord(items) ? items["$ref"] : undefined;
  if (typeof ref !== "string") return undefined;
  const name = ref.slice(ref.lastIndexOf("/") + 1);
  const target = Object.hasOwn(schemas, name) ? schemas[name] : undefined;
  return isRecord(target) ? target : undefined;
}

function shown(schema: unknown, depth: number): Html {
  if (!isRecord(schema)) return html`<span class="type">anything</span>`;
  const type = html`<span class="type">${typeHtml(schema, depth)}</span>`;
  return html`${type}${noted(schema)}${fieldsHtml(schema, depth)}`;
}

/** The type in a line: `array of Order or null`. */
function typeHtml(schema: unknown, depth: number): Html {
  if (schema === false) return html`nothing`;
  if (!isRecord(schema) || depth > depthMax) return html`anything`;
  const { $ref, type, items, enum: allowed, contentMediaType, prefixItems } = schema;
  if (typeof $ref === "string") return linkTo($ref);
  if ("const" in schema) return html`<code>${JSON.stringify(schema["const"])}</code>`;
  if (Array.isArray(allowed))
    return joined(
      allowed.map((value) => html`<code>${JSON.stringify(value)}</code>`),
      " or ",
    );
  for (const keyword of ["oneOf", "anyOf"]) {
    const choices = schema[keyword];
    if (Array.isArray(choices))
      return joined(
        choices.map((each) => typeHtml(each, depth + 1)),
        " or ",
      );
  }
  const all = schema["allOf"];
  if (Array.isArray(all)) {
    const parts = all.map((each) => typeHtml(each, depth + 1));
    return joined(isRecord(schema["properties"]) ? [...parts, html`these`] : parts, " and ");
  }
  if (type === undefined && contentMediaType !== undefined) return html`bytes`;
  if (type === "array" && Array.isArray(prefixItems))
    return html`tuple of
    ${joined(
      prefixItems.map((each) => typeHtml(each, depth + 1)),
      ", ",
    )}`;
  if (type === "array") return html`array of ${typeHtml(items, depth + 1)}`;
  if (Array.isArray(type))
    return joined(
      type.map((each) => html`${String(each)}`),
      " or ",
    );
  return html`${typeof type === "string" ? type : "anything"}`;
}

function linkTo(ref: string): Html {
  const name = ref.slice(ref.lastIndexOf("/") + 1);
  return html`<a href="#schema-${name}">${name}</a>`;
}

function joined(parts: readonly Html[], between: string): Html {
  return html`${parts.map((part, index) => (index === 0 ? part : html`${between}${part}`))}`;
}

/** Words for the keywords that bound a value. */
const bounds: readonly (readonly [keyword: string, words: string])[] = [
  ["format", ""],
  ["minimum", "≥ "],
  ["exclusiveMinimum", "> "],
  ["maximum", "≤ "],
  ["exclusiveMaximum", "< "],
  ["multipleOf", "multiple of "],
  ["minLength", "at least this long: "],
  ["maxLength", "at most this long: "],
  ["minItems", "at least this many: "],
  ["maxItems", "at most this many: "],
  ["pattern", "matches "],
  ["default", "default "],
];

/** Bounds that every number of JavaScript has say nothing. */
const everybodys: ReadonlySet<unknown> = new Set([
  Number.MAX_SAFE_INTEGER,
  Number.MIN_SAFE_INTEGER,
]);

function noted(schema: Readonly<Record<string, unknown>>): Html {
  const told = bounds.flatMap(([keyword, words]) => {
    const value = schema[keyword];
    if (value === undefined || everybodys.has(value)) return [];
    return [
      html` <span class="bound"
        >${words}${typeof value === "string" ? value : JSON.stringify(value)}</span
      >`,
    ];
  });
  return html`${told}`;
}

function fieldsHtml(schema: Readonly<Record<string, unknown>>, depth: number): Html | undefined {
  const { properties, required, additionalProperties } = schema;
  if (depth > depthMax) return undefined;
  const inner = insideOf(schema);
  if (inner !== undefined) return fieldsHtml(inner, depth + 1);
  const needed = Array.isArray(required) ? required : [];
  const rows = Object.entries(isRecord(properties) ? properties : {}).map(([name, field]) =>
    fieldHtml(name, field, needed.includes(name), depth),
  );
  if (isRecord(additionalProperties) && Object.keys(additionalProperties).length > 0)
    rows.push(fieldHtml("any other name", additionalProperties, true, depth));
  return rows.length === 0
    ? undefined
    : html`<ul class="fields">
        ${rows}
      </ul>`;
}

/** The fields of a list's items, and of what may be null, stand under the whole. */
function insideOf({ items, anyOf }: Readonly<Record<string, unknown>>) {
  if (isRecord(items)) return items;
  if (!Array.isArray(anyOf)) return undefined;
  const told = anyOf.filter(isRecord).filter((each) => each["type"] !== "null");
  return told.length === 1 ? told[0] : undefined;
}

function fieldHtml(name: string, field: unknown, needed: boolean, depth: number): Html {
  const description = isRecord(field) ? field["description"] : undefined;
  return html`<li>
    <code class="name">${name}</code
    >${needed ? undefined : html`<span class="optional" title="may be left out">?</span>`}
    ${shown(field, depth + 1)} ${typeof description === "string" && html`<p>${description}</p>`}
  </li>`;
}
