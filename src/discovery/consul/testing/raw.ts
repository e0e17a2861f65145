import type { Instance } from "../../discovery.ts";

/** What somebody else does to Consul: by its own documentation, and not by our code. */
export class RawConsul {
  readonly #url: string;
  readonly #prefix: string;

  constructor(url: string, prefix: string) {
    this.#url = url;
    this.#prefix = prefix;
  }

  async ask(method: string, path: string, body?: unknown): Promise<unknown> {
    const answer = await fetch(`${this.#url}${path}`, {
      method,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${path}: ${text}`);
    return text === "" ? undefined : JSON.parse(text);
  }

  /** Instead of what is there for the service. */
  async put(service: string, instances: readonly Instance[]): Promise<void> {
    for (const id of await this.#ids()) await this.deregister(id);
    for (const each of instances) await this.#register(service, each.id, JSON.stringify(each));
  }

  async spoil(service: string): Promise<void> {
    const hostile = ["no JSON", "[]", "null", `{"id":7}`, "{".repeat(500)];
    for (const [index, each] of hostile.entries())
      await this.#register(service, `bad-${index}`, each);
  }

  async abandon(instance: Instance, ttlMs: number): Promise<void> {
    const check = { TTL: `${ttlMs}ms`, Status: "passing" };
    for (const contract of instance.contracts)
      await this.#register(contract.split("@")[0]!, instance.id, JSON.stringify(instance), check);
  }

  /** Everything that is there of an instance. */
  async forget(id: string): Promise<void> {
    for (const each of await this.#ids()) if (each.endsWith(`:${id}`)) await this.deregister(each);
  }

  async deregister(id: string): Promise<void> {
    await this.ask("PUT", `/v1/agent/service/deregister/${encodeURIComponent(id)}`);
  }

  async #ids(): Promise<string[]> {
    const services = (await this.ask("GET", "/v1/agent/services")) as object;
    return Object.keys(services).filter((each) => each.startsWith(this.#prefix));
  }

  async #register(service: string, id: string, json: string, check?: object): Promise<void> {
    const name = this.#prefix + service;
    const meta = { "trunkline-0": json };
    const body = { ID: `${name}:${id}`, Name: name, Meta: meta, Check: check };
    await this.ask("PUT", "/v1/agent/service/register", body);
  }
}
