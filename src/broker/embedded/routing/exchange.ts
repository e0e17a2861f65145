import type { Message } from "../message.ts";
import type { BindingTerms, ExchangeTerms } from "../terms.ts";

/** A queue as far as messages find their way to it. */
export class QueueTarget {
  readonly name: string;
  readonly durable: boolean;
  readonly incoming: Set<Binding> = new Set();
  /** What is given back when it is the only one: so no array is made for a message. */
  readonly alone: readonly string[];
  /** The walk in which it was met last. */
  met = 0;

  constructor(name: string, durable: boolean) {
    this.name = name;
    this.durable = durable;
    this.alone = [name];
  }
}

/** An exchange with what is bound to it, and what it is bound to. */
export class Exchange {
  readonly terms: ExchangeTerms;
  readonly matcher: Matcher;
  readonly outgoing: Map<string, Binding> = new Map();
  readonly incoming: Set<Binding> = new Set();
  /** Where its messages go that went nowhere, as its arguments say. A policy may say another. */
  alternate: string | undefined;
  /** Predeclared: it cannot be deleted, and is not noted. */
  readonly builtIn: boolean;
  /** Routes by key, as long as nothing changes in the topology. */
  readonly routes: Map<string, readonly string[]>;
  /** The state of the topology that they, and `looksAt`, are of. */
  routesOf = -1;
  /** Queue names in `routes`. */
  routesHeld = 0;
  /** All that messages can reach from here taken together. */
  looksAt: LooksAt = "message";
  met = 0;

  constructor(terms: ExchangeTerms, matcher: Matcher, builtIn: boolean) {
    this.terms = terms;
    this.matcher = matcher;
    this.builtIn = builtIn;
    this.routes = new Map();
    const alternate = terms.arguments["alternate-exchange"];
    this.alternate = typeof alternate === "string" ? alternate : undefined;
  }
}

export interface Binding {
  readonly terms: BindingTerms;
  /** Its name among definitions: source, destination, key and arguments, so that no two are the same. */
  readonly id: string;
  readonly source: Exchange;
  readonly to: QueueTarget | Exchange;
}

/** On what of a message its way depends: on `nothing`; on its routing `key`; on more of the `message`, or on chance. */
export type LooksAt = "nothing" | "key" | "message";

/** What an exchange's type is: which of its bindings a message takes. */
export interface Matcher {
  readonly looksAt: LooksAt;
  add(binding: Binding): void;
  remove(binding: Binding): void;
  /** Adds the bindings of a message to `found`; one may be added twice. `keys`: its routing key, and those of its copies. */
  match(keys: readonly string[], message: Message, found: Binding[]): void;
}
