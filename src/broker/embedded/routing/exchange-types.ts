import { Refusal } from "../refusal.ts";
import type { BindingTerms, ExchangeTerms } from "../terms.ts";
import { AnyBinding, ConsistentHash, ModulusHash, weightOf } from "./hashed.ts";
import { checkHeaderArguments, HeaderArguments } from "./headers.ts";
import type { Matcher } from "./exchange.ts";
import { EqualKeys, EveryBinding } from "./keyed.ts";
import { TopicPatterns } from "./topic.ts";

interface ExchangeType {
  matcher(terms: ExchangeTerms, random: () => number): Matcher;
  /** @throws Refusal precondition-failed for a binding that says nothing. */
  check?(binding: BindingTerms): void;
}

const delayed = "x-delayed-message";

const types: ReadonlyMap<string, ExchangeType> = new Map<string, ExchangeType>([
  ["direct", { matcher: () => new EqualKeys() }],
  ["fanout", { matcher: () => new EveryBinding() }],
  ["topic", { matcher: () => new TopicPatterns() }],
  [
    "headers",
    {
      matcher: () => new HeaderArguments(),
      check: (binding) => checkHeaderArguments(binding.arguments),
    },
  ],
  [
    "x-consistent-hash",
    {
      matcher: (terms) => new ConsistentHash(terms),
      check: (binding) => void weightOf(binding.routingKey),
    },
  ],
  ["x-modulus-hash", { matcher: () => new ModulusHash() }],
  ["x-random", { matcher: (_terms, random) => new AnyBinding(random) }],
  ["x-local-random", { matcher: (_terms, random) => new AnyBinding(random) }],
]);

/** @throws Refusal command-invalid for a type that is not known, precondition-failed for arguments that cannot be meant. */
export function matcherOf(terms: ExchangeTerms, random: () => number): Matcher {
  return typeOf(routingType(terms)).matcher(terms, random);
}

/**
 * The type by which an exchange finds its queues: its own, or what an exchange of the plugin for delays names. Messages with a
 * header `x-delay` are held back in their queues, whatever exchange they come by.
 * @throws Refusal precondition-failed when it names none.
 */
export function routingType({ type, arguments: given }: ExchangeTerms): string {
  if (type !== delayed) return type;
  const named = given["x-delayed-type"];
  if (typeof named === "string" && types.has(named)) return named;
  throw new Refusal(
    "precondition-failed",
    "Invalid argument, 'x-delayed-type' must be an existing exchange type",
  );
}

/** @throws Refusal precondition-failed for a binding that an exchange of this routing type cannot have. */
export function checkBinding(type: string, binding: BindingTerms): void {
  typeOf(type).check?.(binding);
}

function typeOf(name: string): ExchangeType {
  const type = types.get(name);
  if (type !== undefined) return type;
  throw new Refusal("command-invalid", `unknown exchange type '${name}'`);
}

/** The exchanges that each virtual host has from its beginning. `amq.match` and `amq.headers` are two names for the same kind. */
export const builtIn: readonly ExchangeTerms[] = [
  ["", "direct"],
  ["amq.direct", "direct"],
  ["amq.fanout", "fanout"],
  ["amq.topic", "topic"],
  ["amq.headers", "headers"],
  ["amq.match", "headers"],
  ["amq.rabbitmq.trace", "topic"],
].map(([name, type]) => ({
  name: name!,
  type: type!,
  durable: true,
  autoDelete: false,
  internal: name === "amq.rabbitmq.trace",
  arguments: {},
}));
