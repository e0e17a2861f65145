import type { Asked, Reply, Role } from "./asked.ts";

export type Method = "GET" | "PUT" | "POST" | "DELETE";

/** What is asked for by one path: `queues/:vhost/:name`. */
export interface Route {
  readonly path: string;
  /** Who may ask for it. Default: who has any tag. */
  readonly role?: Role;
  /** Who may change it. Default: `role`. */
  readonly changeRole?: Role;
  /** Its GET gives a list: pages, columns and the order of it are the server's business. */
  readonly list?: boolean;
  readonly GET?: Answering;
  readonly PUT?: Answering;
  readonly POST?: Answering;
  readonly DELETE?: Answering;
}

export type Answering = (asked: Asked) => Reply | Promise<Reply>;

interface Step {
  readonly fixed: Map<string, Step>;
  any: Step | undefined;
  route: Route | undefined;
}

/** Finds the route of a path. */
export class Routes {
  readonly #root: Step = step();

  constructor(routes: readonly Route[]) {
    for (const route of routes) {
      let at = this.#root;
      for (const segment of route.path.split("/")) {
        if (segment.startsWith(":")) at = at.any ??= step();
        else {
          const next = at.fixed.get(segment) ?? step();
          at.fixed.set(segment, next);
          at = next;
        }
      }
      at.route = route;
    }
  }

  /** The route of a path without its slash at the beginning, and what stands for its names. Undefined: there is none. */
  find(
    path: string,
  ): { readonly route: Route; readonly parameters: Readonly<Record<string, string>> } | undefined {
    const segments: string[] = [];
    for (const segment of path.split("/")) {
      const text = decoded(segment);
      if (text === undefined) return undefined;
      segments.push(text);
    }
    const route = walk(this.#root, segments, 0);
    if (route === undefined) return undefined;
    const parameters: Record<string, string> = {};
    for (const [index, name] of route.path.split("/").entries())
      if (name.startsWith(":")) parameters[name.slice(1)] = segments[index]!;
    return { route, parameters };
  }
}

/** A fixed segment comes before one that stands for any: a queue named `bindings` is not to hide them. */
function walk(at: Step, segments: readonly string[], index: number): Route | undefined {
  if (index === segments.length) return at.route;
  const next = at.fixed.get(segments[index]!);
  const found = next === undefined ? undefined : walk(next, segments, index + 1);
  return found ?? (at.any === undefined ? undefined : walk(at.any, segments, index + 1));
}

function step(): Step {
  return { fixed: new Map(), any: undefined, route: undefined };
}

function decoded(segment: string): string | undefined {
  try {
    return decodeURIComponent(segment);
  } catch {
    return undefined;
  }
}
