/** A schema of Avro, and what becomes of values in it; made from a JSON Schema by `planOf`. */
export type Node =
  | { readonly kind: "null" | "boolean" | "int" | "long" | "float" | "double" | "string" }
  /** In JSON a text in base64. */
  | { readonly kind: "bytes" }
  /** A string of Avro that holds the text of JSON. */
  | { readonly kind: "json" }
  | { readonly kind: "enum"; readonly name: string; readonly symbols: readonly string[] }
  | { readonly kind: "array"; readonly items: Node }
  | { readonly kind: "map"; readonly values: Node }
  | { readonly kind: "union"; readonly branches: readonly Node[] }
  | RecordNode;

export interface RecordNode {
  readonly kind: "record";
  /** With its namespace; so that of an enum. */
  readonly name: string;
  /** Filled after the record is made: it may refer to itself. */
  readonly fields: readonly FieldNode[];
}

export interface FieldNode {
  /** As the contract calls it. */
  readonly name: string;
  /** As Avro may call it. */
  readonly avroName: string;
  readonly node: Node;
  readonly optional: boolean;
}

/** Any value, as the text of JSON: for what Avro has no word for. */
export const jsonNode: Node = { kind: "json" };

/** The symbol that stands for a null where the null of Avro says that the field is absent. */
export const explicitNull: Node = {
  kind: "enum",
  name: "trunkline.ExplicitNull",
  symbols: ["NULL"],
};

/** How Avro writes a field that may be absent: its null says that it is. */
function presenceOf(field: FieldNode): Node {
  if (!field.optional) return field.node;
  const present = branchesOf(field.node).map((each) =>
    each.kind === "null" ? explicitNull : each,
  );
  return { kind: "union", branches: [{ kind: "null" }, ...present] };
}

export function branchesOf(node: Node): readonly Node[] {
  return node.kind === "union" ? node.branches : [node];
}

/** The name of a branch where a value of a union stands in its wrapper. */
export function branchName(node: Node): string {
  if (node.kind === "record" || node.kind === "enum") return node.name;
  return node.kind === "json" ? "string" : node.kind;
}

/** The schema as Avro's own JSON; what has a name is defined where it stands first. */
export function avroJson(node: Node): unknown {
  const defined = new Set<string>();
  const written = (each: Node): unknown => {
    switch (each.kind) {
      case "json":
        return { type: "string", logicalType: "json" };
      case "array":
        return { type: "array", items: written(each.items) };
      case "map":
        return { type: "map", values: written(each.values) };
      case "union":
        return each.branches.map(written);
      case "enum":
      case "record":
        return named(each);
      default:
        return each.kind;
    }
  };
  const named = (each: Extract<Node, { readonly name: string }>): unknown => {
    if (defined.has(each.name)) return each.name;
    defined.add(each.name);
    const dot = each.name.lastIndexOf(".");
    const namespace = each.name.slice(0, Math.max(0, dot));
    const head = { type: each.kind, name: each.name.slice(dot + 1), namespace };
    if (each.kind === "enum") return { ...head, symbols: each.symbols };
    return { ...head, fields: each.fields.map(fieldWritten) };
  };
  const fieldWritten = (field: FieldNode): unknown => ({
    name: field.avroName,
    // Attributes that Avro does not know are remarks; `avroImport` and people read this one.
    ...(field.avroName === field.name ? {} : { jsonName: field.name }),
    type: written(presenceOf(field)),
    ...(field.optional ? { default: null } : {}),
  });
  return written(node);
}
