/** What a composition takes its inputs from. */
export interface Sources {
  readonly path: Readonly<Record<string, string>>;
  readonly query: Readonly<Record<string, string>>;
  readonly header: Readonly<Record<string, string>>;
  readonly body: unknown;
  /** What the parts have answered that are there by now. */
  readonly parts: Readonly<Record<string, unknown>>;
}

/** `$parts.order.customerId:number` */
interface Reference {
  readonly root: keyof Sources;
  readonly names: readonly string[];
  readonly as: "number" | "boolean" | undefined;
}

const roots: readonly (keyof Sources)[] = ["path", "query", "header", "body", "parts"];

/** Why the text is no reference, or the reference; undefined where it is plain text. `$$` begins a text with a dollar. */
function referenceIn(text: string): Reference | { readonly problem: string } | undefined {
  if (!text.startsWith("$") || text.startsWith("$$")) return undefined;
  const [, root, rest, as] = /^\$([a-z]+)((?:\.[\w-]+)*)(?::(number|boolean))?$/.exec(text) ?? [];
  const problem = `${JSON.stringify(text)} refers to nothing: write ${roots.map((each) => `$${each}`).join(", ")} with names behind dots, or "$$" for a dollar`;
  if (root === undefined || !roots.includes(root as keyof Sources)) return { problem };
  const names = rest === "" ? [] : rest!.slice(1).split(".");
  if (root !== "body" && names.length === 0) return { problem };
  return { root: root as keyof Sources, names, as: as as Reference["as"] };
}

/** Everything that an input refers to, and what is wrong with it. */
export function referencesOf(template: unknown): {
  readonly references: readonly Reference[];
  readonly problems: readonly string[];
} {
  const references: Reference[] = [];
  const problems: string[] = [];
  const walk = (value: unknown): void => {
    if (typeof value === "string") {
      const found = referenceIn(value);
      if (found === undefined) return;
      if ("problem" in found) problems.push(found.problem);
      else references.push(found);
    } else if (typeof value === "object" && value !== null) Object.values(value).forEach(walk);
  };
  walk(template);
  return { references, problems };
}

/** The template with what its references refer to in their place; a member whose value is not there is left out. */
export function filled(template: unknown, sources: Sources): unknown {
  if (typeof template === "string") {
    const reference = referenceIn(template);
    if (reference === undefined) return template.startsWith("$$") ? template.slice(1) : template;
    return "problem" in reference ? undefined : valueOf(reference, sources);
  }
  if (Array.isArray(template)) return template.map((item) => filled(item, sources));
  if (typeof template !== "object" || template === null) return template;
  const members = Object.entries(template).map(([name, value]) => [name, filled(value, sources)]);
  return Object.fromEntries(members.filter(([, value]) => value !== undefined));
}

function valueOf({ root, names, as }: Reference, sources: Sources): unknown {
  let value: unknown = sources[root];
  for (const name of names) {
    if (typeof value !== "object" || value === null || !Object.hasOwn(value, name))
      return undefined;
    value = (value as Readonly<Record<string, unknown>>)[name];
  }
  // What is no number goes on as it is: who serves it says what is wrong with it.
  if (as === "number" && typeof value === "string" && value.trim() !== "")
    return Number.isNaN(Number(value)) ? value : Number(value);
  if (as === "boolean" && (value === "true" || value === "false")) return value === "true";
  return value;
}
