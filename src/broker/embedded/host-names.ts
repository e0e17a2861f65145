/** The name of a definition that has several, mostly a virtual host's and its own: as JSON, because any text may be a part of a name. */
export function definitionName(...names: readonly string[]): string {
  return JSON.stringify(names);
}

/** What `definitionName` was made of, of two names. */
export function hostAndName(definition: string): readonly [host: string, name: string] {
  return JSON.parse(definition) as [string, string];
}
