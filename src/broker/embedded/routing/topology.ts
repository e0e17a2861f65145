import type { Message } from "../message.ts";
import { Refusal } from "../refusal.ts";
import type { Definition, Json } from "../storage.ts";
import type { BindingTerms, ExchangeTerms } from "../terms.ts";
import { copiesOf, type Copies } from "./copies.ts";
import { type Binding, Exchange, QueueTarget } from "./exchange.ts";
import { builtIn, checkBinding, matcherOf, routingType } from "./exchange-types.ts";
import {
  absent,
  called,
  checkEquivalent,
  checkEquivalentArgument,
  checkReserved,
  onDefault,
} from "./refusals.ts";
import { Routes } from "./routes.ts";
import { jsonOfTable, tableOf } from "./table-json.ts";

export interface TopologyOptions {
  /** A number in [0, 1). */
  readonly random: () => number;
  /** The virtual host, as refusals name it. */
  readonly host: string;
  /** Beside the predeclared ones. Default 100,000. */
  readonly exchangesMax?: number;
  /** Default 1,000,000. */
  readonly bindingsMax?: number;
}

/** What of a change is to be noted, in this order: what goes, then what comes. What is not durable is not among it. */
export interface TopologyChange {
  readonly undefine: readonly Pick<Definition, "kind" | "name">[];
  readonly define: readonly Definition[];
}

const nothing: TopologyChange = { undefine: [], define: [] };

/**
 * Which queues a message goes to: the exchanges of a virtual host, and what is bound to them. It is pure: each change says what of
 * it is to be kept (definitions of the kinds `exchange` and `binding`), and `restore` begins with what was.
 */
export class Topology {
  readonly #options: TopologyOptions;
  readonly #exchanges = new Map<string, Exchange>();
  readonly #queues = new Map<string, QueueTarget>();
  readonly #routes: Routes;
  #bindings = 0;

  constructor(options: TopologyOptions) {
    this.#options = options;
    this.#routes = new Routes(this.#exchanges);
    for (const terms of builtIn)
      this.#exchanges.set(terms.name, new Exchange(terms, matcherOf(terms, options.random), true));
  }

  exchange(name: string): ExchangeTerms | undefined {
    return this.#exchanges.get(name)?.terms;
  }

  *exchanges(): Iterable<ExchangeTerms> {
    for (const { terms } of this.#exchanges.values()) yield terms;
  }

  /** All that were made; each queue is bound to the default exchange besides, by its name. */
  *bindings(): Iterable<BindingTerms> {
    for (const { outgoing } of this.#exchanges.values())
      for (const { terms } of outgoing.values()) yield terms;
  }

  bindingsFrom(exchange: string): readonly BindingTerms[] {
    const outgoing = this.#exchanges.get(exchange)?.outgoing.values() ?? [];
    return [...outgoing].map(({ terms }) => terms);
  }

  bindingsTo(to: "queue" | "exchange", name: string): readonly BindingTerms[] {
    const target = to === "queue" ? this.#queues.get(name) : this.#exchanges.get(name);
    return [...(target?.incoming ?? [])].map(({ terms }) => terms);
  }

  /**
   * The queues that a message goes to, each once, in no order. `copies`: what `copiesOf` says of it.
   * @throws Refusal not-found when there is no such exchange, precondition-failed when the copies are no lists of keys.
   */
  route(
    exchange: string,
    message: Message,
    copies: Copies | undefined = copiesOf(message.properties),
  ): readonly string[] {
    if (exchange === "") return this.#routeByName(message.routingKey, copies);
    return this.#routes.of(this.#known(exchange), message, copies?.keys);
  }

  /** @throws Refusal when clients cannot publish there: not-found, or access-refused for an internal exchange. */
  checkPublish(exchange: string): void {
    if (!this.#known(exchange).terms.internal) return;
    const name = called("exchange", exchange, this.#options.host);
    throw new Refusal("access-refused", `cannot publish to internal ${name}`);
  }

  /** A queue is there: messages find it by its name, and it can be bound. */
  addQueue(name: string, durable: boolean): void {
    if (this.#queues.has(name)) return;
    this.#queues.set(name, new QueueTarget(name, durable));
    this.#routes.forget();
  }

  /** A queue is gone, with all that was bound to it. */
  removeQueue(name: string): TopologyChange {
    const queue = this.#queues.get(name);
    if (queue === undefined) return nothing;
    this.#queues.delete(name);
    return this.#removed([...queue.incoming]);
  }

  /** @throws Refusal: what is there under the name is another one, or the type is unknown, or the name is reserved. */
  declare(terms: ExchangeTerms): TopologyChange {
    const { name } = terms;
    if (name === "") throw onDefault();
    const { host, exchangesMax = 100_000 } = this.#options;
    const made = called("exchange", name, host);
    const matcher = matcherOf(terms, this.#options.random);
    const there = this.#exchanges.get(name)?.terms;
    if (there !== undefined) {
      checkEquivalent("type", made, terms.type, there.type);
      checkEquivalent("durable", made, terms.durable, there.durable);
      checkEquivalent("auto_delete", made, terms.autoDelete, there.autoDelete);
      checkEquivalent("internal", made, terms.internal, there.internal);
      checkEquivalentArgument("alternate-exchange", made, terms.arguments, there.arguments);
      return nothing;
    }
    checkReserved("exchange", name);
    if (this.#exchanges.size - builtIn.length >= exchangesMax)
      throw new Refusal(
        "precondition-failed",
        `cannot declare ${made}: exchange limit of ${exchangesMax} is reached`,
      );
    this.#exchanges.set(name, new Exchange(terms, matcher, false));
    this.#routes.forget();
    return terms.durable ? { undefine: [], define: [definitionOf(terms)] } : nothing;
  }

  /** What is not there is deleted already. @throws Refusal: it is predeclared, or used. */
  delete(name: string, ifUnused: boolean = false): TopologyChange {
    const exchange = this.#exchanges.get(name);
    if (name === "") throw onDefault();
    const named = called("exchange", name, this.#options.host);
    if (name.startsWith("amq."))
      throw new Refusal("access-refused", `deletion of system ${named} not allowed`);
    if (exchange === undefined) return nothing;
    if (ifUnused && exchange.outgoing.size > 0)
      throw new Refusal("precondition-failed", `${named} in use`);
    const undefine: Pick<Definition, "kind" | "name">[] = [];
    this.#drop(exchange, undefine);
    return { undefine, define: [] };
  }

  /** @throws Refusal: one of the two is not there, or the exchange's type wants other terms. */
  bind(terms: BindingTerms): TopologyChange {
    if (isDefault(terms)) throw onDefault();
    const source = this.#known(terms.source);
    const to = this.#target(terms);
    checkBinding(routingType(source.terms), terms);
    const { bindingsMax = 1_000_000, host } = this.#options;
    const id = idOf(terms);
    if (source.outgoing.has(id)) return nothing;
    if (this.#bindings >= bindingsMax)
      throw new Refusal(
        "precondition-failed",
        `cannot bind to ${called("exchange", terms.source, host)}: binding limit of ${bindingsMax} is reached`,
      );
    const binding = { terms, id, source, to };
    source.outgoing.set(id, binding);
    source.matcher.add(binding);
    to.incoming.add(binding);
    this.#bindings++;
    this.#routes.forget();
    return isDurable(binding) ? { undefine: [], define: [bindingDefinitionOf(binding)] } : nothing;
  }

  /** What is not bound is unbound already. An exchange that goes with its last binding may go with it. */
  unbind(terms: BindingTerms): TopologyChange {
    if (isDefault(terms)) throw onDefault();
    const binding = this.#exchanges.get(terms.source)?.outgoing.get(idOf(terms));
    return binding === undefined ? nothing : this.#removed([binding]);
  }

  /** Where messages of an exchange go that would go nowhere, as a policy says; its own arguments come first. */
  alternate(name: string, other: string | undefined): void {
    const exchange = this.#known(name);
    if (exchange.terms.arguments["alternate-exchange"] !== undefined) return;
    if (exchange.alternate === other) return;
    exchange.alternate = other;
    this.#routes.forget();
  }

  /**
   * Makes what definitions say, in any order, other kinds left out. The queues must be there already. What is given back is of
   * bindings that lead to nothing any more.
   */
  restore(definitions: Iterable<Definition>): TopologyChange {
    const undefine: Pick<Definition, "kind" | "name">[] = [];
    const all = [...definitions];
    for (const { kind, value } of all) if (kind === "exchange") this.declare(exchangeOf(value));
    for (const { kind, name, value } of all) {
      if (kind !== "binding") continue;
      const terms = bindingOf(value);
      const targets = terms.to === "queue" ? this.#queues : this.#exchanges;
      if (this.#exchanges.has(terms.source) && targets.has(terms.destination)) this.bind(terms);
      else undefine.push({ kind, name });
    }
    return { undefine, define: [] };
  }

  #routeByName(name: string, copies: Copies | undefined): readonly string[] {
    const queue = this.#queues.get(name);
    if (copies === undefined) return queue?.alone ?? none;
    const names = new Set([name, ...copies.keys]);
    return [...names].filter((each) => this.#queues.has(each));
  }

  #known(name: string): Exchange {
    const exchange = this.#exchanges.get(name);
    if (exchange === undefined) throw absent("exchange", name, this.#options.host);
    return exchange;
  }

  #target({ to, destination }: BindingTerms): QueueTarget | Exchange {
    const target =
      to === "queue" ? this.#queues.get(destination) : this.#exchanges.get(destination);
    if (target === undefined) throw absent(to, destination, this.#options.host);
    return target;
  }

  #removed(bindings: readonly Binding[]): TopologyChange {
    const undefine: Pick<Definition, "kind" | "name">[] = [];
    for (const binding of bindings) this.#take(binding, undefine);
    for (const { source } of bindings) this.#dropUnbound(source, undefine);
    this.#routes.forget();
    return { undefine, define: [] };
  }

  #take(binding: Binding, undefine: Pick<Definition, "kind" | "name">[]): void {
    if (!binding.source.outgoing.delete(binding.id)) return;
    binding.source.matcher.remove(binding);
    binding.to.incoming.delete(binding);
    this.#bindings--;
    if (isDurable(binding)) undefine.push({ kind: "binding", name: binding.id });
  }

  #dropUnbound(exchange: Exchange, undefine: Pick<Definition, "kind" | "name">[]): void {
    const { name, autoDelete } = exchange.terms;
    if (autoDelete && exchange.outgoing.size === 0 && this.#exchanges.get(name) === exchange)
      this.#drop(exchange, undefine);
  }

  /** The exchange goes with all its bindings, and with it others that were bound to it alone and go with their last binding. */
  #drop(exchange: Exchange, undefine: Pick<Definition, "kind" | "name">[]): void {
    this.#exchanges.delete(exchange.terms.name);
    if (exchange.terms.durable) undefine.push({ kind: "exchange", name: exchange.terms.name });
    for (const binding of [...exchange.outgoing.values()]) this.#take(binding, undefine);
    const incoming = [...exchange.incoming];
    for (const binding of incoming) this.#take(binding, undefine);
    for (const { source } of incoming) this.#dropUnbound(source, undefine);
    this.#routes.forget();
  }
}

const none: readonly string[] = [];

function isDefault({ source, to, destination }: BindingTerms): boolean {
  return source === "" || (to === "exchange" && destination === "");
}

/** As durable as the less durable of the two. */
function isDurable({ source, to }: Binding): boolean {
  return source.terms.durable && (to instanceof QueueTarget ? to.durable : to.terms.durable);
}

/** As JSON, because any text may be a part of a name. */
function idOf({ source, to, destination, routingKey, arguments: table }: BindingTerms): string {
  return JSON.stringify([source, to, destination, routingKey, jsonOfTable(table)]);
}

function definitionOf({ name, arguments: table, ...terms }: ExchangeTerms): Definition {
  return { kind: "exchange", name, value: { ...terms, name, arguments: jsonOfTable(table) } };
}

function exchangeOf(value: Json): ExchangeTerms {
  const terms = value as unknown as ExchangeTerms & { readonly arguments: Json };
  return { ...terms, arguments: tableOf(terms.arguments) };
}

function bindingDefinitionOf({ id, terms }: Binding): Definition {
  const value = { ...terms, arguments: jsonOfTable(terms.arguments) };
  return { kind: "binding", name: id, value };
}

function bindingOf(value: Json): BindingTerms {
  const terms = value as unknown as BindingTerms & { readonly arguments: Json };
  return { ...terms, arguments: tableOf(terms.arguments) };
}
