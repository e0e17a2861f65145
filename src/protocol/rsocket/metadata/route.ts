import type { Operation } from "../../operation.ts";
import type { Dispatcher, ServedOperation } from "../../protocol.ts";

/**
 * The tags by which we ask a peer for an operation: `orders.place`, which is the route for everybody who looks at the
 * first tag, as Spring and the rest do, and then the name with its version, which wins where it is understood.
 */
export function routesOf({ owner, member, name }: Operation): readonly string[] {
  return [name, `${owner.name}@${owner.major}/${member}`];
}

const wireName = /^([^@/.]+)@(0|[1-9][0-9]{0,8})\/([^@/.]+)$/;
const plainName = /^([^@/.]+)\.([^@/.]+)$/;

/**
 * What the tags of a route ask for: the first that is a wire name, `orders@1/place`; else the first tag, if it is
 * `orders.place`, in the highest major version that is served. The text names it to a person who asks for what is not there.
 */
export function findRoute(
  dispatcher: Dispatcher,
  tags: readonly string[],
): ServedOperation | string {
  const tag = tags.find((each) => wireName.test(each)) ?? tags[0];
  if (tag === undefined) return "the request has no route";
  const exact = wireName.exec(tag);
  const plain = exact === null ? plainName.exec(tag) : null;
  let found: ServedOperation | undefined;
  if (exact !== null) found = dispatcher.find(exact[1]!, Number(exact[2]), exact[3]!);
  else if (plain !== null) found = dispatcher.find(plain[1]!, undefined, plain[2]!);
  return found ?? `this server does not serve ${tag}`;
}
