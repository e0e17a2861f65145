/** Finds what stands at a path. Static segments go before parameters; nothing is tried that the path cannot be. */
export class Router<T> {
  readonly #root = new Branch<T>();
  /** Paths without parameters, which most requests can be found by at once. */
  readonly #fixed = new Map<string, T>();

  /**
   * What stands at `path`, parameters in braces, made by `make` when nothing did. Two paths that differ in the names of
   * their parameters alone are one.
   */
  at(path: string, make: () => T): T {
    const segments = path.split("/").slice(1);
    let branch = this.#root;
    for (const segment of segments) branch = branch.to(segment);
    const found = (branch.value ??= make());
    if (!path.includes("{")) this.#fixed.set(path, found);
    return found;
  }

  /** `path` as it came, still encoded. The texts of the parameters, still encoded too, are put into `values`. */
  find(path: string, values: string[]): T | undefined {
    const fixed = this.#fixed.get(path);
    if (fixed !== undefined) return fixed;
    return search(this.#root, path, 0, values);
  }
}

class Branch<T> {
  value: T | undefined = undefined;
  parameter: Branch<T> | undefined = undefined;
  readonly fixed = new Map<string, Branch<T>>();

  to(segment: string): Branch<T> {
    if (segment.startsWith("{")) return (this.parameter ??= new Branch());
    let next = this.fixed.get(segment);
    if (next === undefined) this.fixed.set(segment, (next = new Branch()));
    return next;
  }
}

/**
 * `from` is the slash before the next segment. A path has no more segments than the deepest route, so that this ends soon
 * however long the path is; of two branches the second is looked into only where the first has nothing.
 */
function search<T>(branch: Branch<T>, path: string, from: number, values: string[]): T | undefined {
  if (from === path.length) return branch.value;
  const slash = path.indexOf("/", from + 1);
  const end = slash < 0 ? path.length : slash;
  const segment = path.slice(from + 1, end);
  const fixed = branch.fixed.get(segment);
  if (fixed !== undefined) {
    const found = search(fixed, path, end, values);
    if (found !== undefined) return found;
  }
  if (branch.parameter === undefined || segment === "") return undefined;
  const held = values.push(segment);
  const found = search(branch.parameter, path, end, values);
  if (found === undefined) values.length = held - 1;
  return found;
}
