import type { Env } from "../base/env.ts";
import type { KeysOptions } from "../call/keys/doing.ts";
import {
  isTransactional,
  type KeyStore,
  type TransactionalKeyStore,
} from "../call/keys/key-store.ts";
import { memoryKeys, type KeyStoreFactory } from "../call/keys/memory-keys.ts";
import { storeKeys } from "../call/keys/store-keys.ts";
import { membersOf } from "../call/compile.ts";
import type { Service } from "../call/serve.ts";
import { info } from "../contract/contract.ts";
import type { Problem } from "./problems.ts";
import type { Store } from "../store/store.ts";

/** What a process remembers of the keys of its calls. */
export class ProcessKeys {
  readonly #services: readonly Service[];
  readonly #env: Env;
  /** For services without a store; undefined: their handlers see to it. */
  readonly #given: KeyStore | undefined;
  readonly #inStores = new Map<Store, TransactionalKeyStore>();

  constructor(keys: KeyStoreFactory | false | undefined, services: readonly Service[], env: Env) {
    this.#services = services.filter(hasKeys);
    this.#env = env;
    this.#given = keys === false ? undefined : (keys ?? memoryKeys())(env);
    if (this.#given !== undefined && isTransactional(this.#given))
      this.#inStores.set(this.#given.store, this.#given);
    for (const { terms } of this.#services) if (terms?.store !== undefined) this.#in(terms.store);
  }

  /** For those who serve. */
  get options(): KeysOptions {
    return { keys: this.#given, keysIn: (store) => this.#in(store) };
  }

  /** Those that are kept in the transactions of a store. */
  #in(store: Store): TransactionalKeyStore {
    let made = this.#inStores.get(store);
    if (made === undefined) this.#inStores.set(store, (made = storeKeys(store)(this.#env)));
    return made;
  }

  /** What its instances have in common: a name only when each service that has keys shares them. */
  get name(): string | undefined {
    const names = new Set(
      this.#services.map(({ terms }) =>
        terms?.store === undefined ? this.#given?.name : this.#in(terms.store).name,
      ),
    );
    // As the names of all of them, in an order that does not depend on who serves what first.
    return names.has(undefined) || names.size === 0
      ? undefined
      : [...names].toSorted((a, b) => (a! < b! ? -1 : 1)).join("+");
  }

  async open(): Promise<void> {
    await Promise.all(this.#all().map(async (keys) => keys.open?.()));
  }

  async close(): Promise<void> {
    await Promise.all(this.#all().map(async (keys) => keys.close?.()));
  }

  #all(): KeyStore[] {
    const given = this.#given;
    return [
      ...new Set<KeyStore>([...(given === undefined ? [] : [given]), ...this.#inStores.values()]),
    ];
  }
}

/** What keeps keys from being remembered as it was asked, in words for a person. */
export function keysProblems(
  keys: KeyStoreFactory | false | undefined,
  services: readonly Service[],
): Problem[] {
  if (keys !== false) return [];
  return services
    .filter((service) => hasKeys(service) && service.terms?.store !== undefined)
    .map(({ contract }) => ({
      text: `${contract[info].name} has a store, in which the keys of its calls are kept, and keys: false forgets them.\n     → leave \`keys\` out, or the store`,
    }));
}

/** It has calls that are idempotent by key. */
function hasKeys({ contract }: Service): boolean {
  return membersOf(contract).some(
    ({ operation, streaming }) => operation.idempotent === "by-key" && !streaming,
  );
}
