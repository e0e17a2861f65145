import { client, stateOf, type Client } from "trunkline";
import { Tower } from "../contracts/tower.ts";

export interface TowerClient {
  readonly name: string;
  readonly calls: Client<typeof Tower> & AsyncDisposable;
}

/** The towers as a desk sees them: they take turns, and those without a connection are left out while others have one. */
export class Towers implements AsyncDisposable {
  readonly #towers: readonly TowerClient[];
  #turn = 0;

  constructor(count: number, first: number, address: (name: string) => string) {
    this.#towers = Array.from({ length: count }, (_, index) => {
      const name = `tower-${index + 1}`;
      return { name, calls: client(Tower, address(name)) };
    });
    this.#turn = first;
  }

  /** The one whose turn it is. */
  next(): TowerClient {
    let tower = this.#towers[0]!;
    for (let tries = 0; tries < this.#towers.length; tries++) {
      tower = this.#towers[this.#turn++ % this.#towers.length]!;
      const { state } = stateOf(tower.calls);
      if (state === "ready" || state === "idle") break;
    }
    return tower;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#towers.map(({ calls }) => calls[Symbol.asyncDispose]()));
  }
}
