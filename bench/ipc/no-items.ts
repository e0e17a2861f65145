/** Of peers that have calls and nothing else. */
export function noItems(name: string): () => Promise<number> {
  return () => Promise.reject(new Error(`${name} has no items`));
}
