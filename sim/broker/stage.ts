import { World, type SimEnv } from "trunkline/testing";
import { Node } from "../../src/broker/embedded/node.ts";
import { queueTerms, type QueueTerms } from "../../src/broker/embedded/terms.ts";
import type { ModelImage } from "../../src/broker/embedded/testing/model-image.ts";
import { ModelStorage } from "../../src/broker/embedded/testing/model-storage.ts";
import type { VirtualHost } from "../../src/broker/embedded/virtual-host.ts";
import { Dice } from "../dice.ts";
import { Ledger, type Sent } from "./ledger.ts";
import { drawPlan, type Plan } from "./plan.ts";

const host = "/";
export const exchange = "in";
const deadExchange = "dead";

/** Where the dead letters of a queue are. */
export function deadOf(queue: string): string {
  return `${queue}.dead`;
}

/** One life of the broker. */
export interface Life {
  readonly env: SimEnv;
  readonly storage: ModelStorage;
  readonly node: Node;
  readonly host: VirtualHost;
}

/** What all of one run share: the broker through its lives, and what is known from outside. */
export class Stage {
  readonly world: World;
  readonly plan: Plan;
  readonly violations: string[] = [];
  readonly sent = new Map<string, Sent>();
  readonly ledgers: readonly Ledger[];
  /** Publishers publish, and the broker ends now and then. */
  acting = true;
  /** The broker as it is now; undefined: it is down. */
  life: Life | undefined;
  /** Called with each new life. */
  readonly onLife: ((life: Life) => void)[] = [];
  readonly #dice: Dice;
  #image: ModelImage | undefined;

  constructor(seed: number, tell: ((line: string) => void) | undefined) {
    this.world = new World(seed);
    this.world.onTrace = tell;
    this.plan = drawPlan(new Dice(this.world, "plan"));
    this.#dice = new Dice(this.world, "broker");
    this.ledgers = Array.from({ length: this.plan.queues }, (_, i) => new Ledger(`queue-${i}`));
  }

  complain(what: string): void {
    this.world.trace(`VIOLATION ${what}`);
    this.violations.push(what);
  }

  /** Opens the broker over what was safe when it ended. */
  start(): void {
    const env = this.world.env("broker");
    const { windowBytesMax, commitMs } = this.plan;
    const storage = new ModelStorage(env, {
      ...(this.#image === undefined ? {} : { image: this.#image }),
      commits: commitMs === 0 ? "turn" : commitMs,
    });
    const node = new Node(storage, env, { windowBytesMax });
    const life = { env, storage, node, host: node.host(host) };
    this.world.trace(`${env.name} opens`);
    this.#declare(life);
    this.life = life;
    for (const tell of this.onLife) tell(life);
  }

  #declare({ host: to }: Life): void {
    const terms = { durable: true, autoDelete: false, internal: false, arguments: {} };
    // What is sent again because its receipt did not come may be there already.
    const once = { "x-message-deduplication": true };
    to.declareExchange({ ...terms, name: exchange, type: "fanout", arguments: once });
    to.declareExchange({ ...terms, name: deadExchange, type: "direct" });
    for (const { queue } of this.ledgers) {
      to.declareQueue(this.#terms(queue));
      to.declareQueue(queueTerms({ name: deadOf(queue) }));
      const binding = { to: "queue", routingKey: "", arguments: {} } as const;
      to.bind({ ...binding, source: exchange, destination: queue });
      to.bind({
        ...binding,
        source: deadExchange,
        destination: deadOf(queue),
        routingKey: deadOf(queue),
      });
    }
  }

  #terms(name: string): QueueTerms {
    const { order, shards, priorityMax, singleActive, deliveryLimit } = this.plan;
    const { ttlMs, lengthMax, overflow } = this.plan;
    return queueTerms({
      name,
      ...{ shards, priorityMax, singleActive, deliveryLimit, ttlMs, lengthMax, overflow },
      keyOrder: order === "keys",
      deadLetterExchange: deadExchange,
      deadLetterRoutingKey: deadOf(name),
    });
  }

  /** kill -9, or the machine's power goes: what was not safe is gone, or came through as a whole. */
  crash(): void {
    const { life } = this;
    if (life === undefined) return;
    this.world.trace(`${life.env.name} is killed`);
    this.life = undefined;
    life.env.kill();
    const power = this.plan.power && this.#dice.chance(0.5);
    this.#image = life.storage.crash({ power, torn: this.#dice.chance(0.3) });
    this.world.in(this.#dice.between(1, 200), () => this.start());
  }

  /** It closes in order, and is opened again. */
  roll(): void {
    const { life } = this;
    if (life === undefined) return;
    this.world.trace(`${life.env.name} closes`);
    this.life = undefined;
    void life.node.close().then(() => {
      life.env.kill();
      this.#image = life.storage.crash();
      this.world.in(this.#dice.between(1, 50), () => this.start());
    });
  }
}
