import type { Span } from "../contracts/recorder.ts";

/** A request and all that it caused. */
export interface Branch {
  /** Who asked. */
  readonly from: string;
  /** Who served it. */
  readonly process: string;
  readonly operation: string;
  readonly kind: Span["kind"];
  /** The transport that carried it. */
  readonly over: string;
  /** How long it took, as who asked saw it. */
  readonly us: number;
  /** What its handler asked of others, in the order in which it began. */
  readonly children: readonly Branch[];
}

/** One request through all its processes. */
export interface CallTree {
  /** The id of its trace. */
  readonly trace: string;
  readonly root: Branch;
}

/**
 * Puts together what the processes remember of a trace. The two sides of a request have the same id; undefined when the
 * request that began it is not among them.
 */
export function callTree(trace: string, spans: readonly Span[]): CallTree | undefined {
  const asked = spans.filter(({ side }) => side === "client");
  const served = new Map(
    spans.filter(({ side }) => side === "server").map((span) => [span.id, span]),
  );
  const begun = ({ endedAt, us }: Span): number => endedAt - us / 1_000;
  const children = Map.groupBy(
    asked.toSorted((one, other) => begun(one) - begun(other)),
    ({ parent }) => parent,
  );
  const branch = ({ id, process, operation, kind, over, us }: Span): Branch => ({
    from: process,
    process: served.get(id)?.process ?? "?",
    operation,
    kind,
    // Who asks by name does not say how it was carried; who answers does.
    over: served.get(id)?.over ?? over,
    us,
    children: (children.get(id) ?? []).map(branch),
  });
  const [root] = children.get(undefined) ?? [];
  return root === undefined ? undefined : { trace, root: branch(root) };
}

/** The processes that took part, who began it among them. */
export function processesOf({ root }: CallTree): Set<string> {
  const all = ({ process, children }: Branch): string[] => [process, ...children.flatMap(all)];
  return new Set([root.from, ...all(root)]);
}

/** The one that went through more processes; of two alike the later one, `two`. */
export function wider(one: CallTree | undefined, two: CallTree | undefined): CallTree | undefined {
  if (one === undefined || two === undefined) return two ?? one;
  return processesOf(one).size > processesOf(two).size ? one : two;
}
