/** What becomes of headers on their way. */
export interface HeaderRules {
  /** Put there, instead of what came. */
  readonly set?: Readonly<Record<string, string>> | undefined;
  /** Put there where nothing came. */
  readonly add?: Readonly<Record<string, string>> | undefined;
  /** Taken away. */
  readonly remove?: readonly string[] | undefined;
}

/** Changes `headers`, whose names are in lower case: first removes, then sets, then adds. */
export function applyRules(
  rules: HeaderRules | undefined,
  headers: Record<string, string | string[] | undefined>,
): void {
  if (rules === undefined) return;
  for (const name of rules.remove ?? []) delete headers[name];
  for (const [name, value] of Object.entries(rules.set ?? {})) headers[name] = value;
  for (const [name, value] of Object.entries(rules.add ?? {})) headers[name] ??= value;
}
