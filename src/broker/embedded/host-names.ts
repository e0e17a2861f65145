/** The name of a definition of a virtual host: as JSON, because any text may be a part of a name. */
export function definitionName(host: string, name: string): string {
  return JSON.stringify([host, name]);
}

/** What `definitionName` was made of. */
export function hostAndName(definition: string): readonly [host: string, name: string] {
  return JSON.parse(definition) as [string, string];
}
