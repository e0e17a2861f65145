import type { Instance } from "../../discovery.ts";

/** What somebody else does to etcd: by its own documentation, and not by our code. */
export class RawEtcd {
  readonly #url: string;
  readonly #prefix: string;

  constructor(url: string, prefix: string) {
    this.#url = url;
    this.#prefix = prefix;
  }

  async post(path: string, body: unknown, token?: string): Promise<Record<string, unknown>> {
    const answer = await fetch(`${this.#url}${path}`, {
      method: "POST",
      body: JSON.stringify(body),
      ...(token === undefined ? {} : { headers: { authorization: token } }),
    });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${path}: ${text}`);
    return JSON.parse(text) as Record<string, unknown>;
  }

  /** Instead of what is there for the service. */
  async put(service: string, instances: readonly Instance[]): Promise<void> {
    await this.#delete(`${this.#prefix}services/${service}/`);
    for (const each of instances) await this.#put(service, each.id, JSON.stringify(each));
  }

  async spoil(service: string): Promise<void> {
    const hostile = ["", "no JSON", "[]", "null", `{"id":7}`, "{".repeat(70_000)];
    for (const [index, value] of hostile.entries()) await this.#put(service, `bad-${index}`, value);
  }

  async abandon(instance: Instance, ttlMs: number): Promise<void> {
    const ttl = Math.ceil(ttlMs / 1_000);
    const { ID: lease } = await this.post("/v3/lease/grant", { TTL: ttl });
    for (const contract of instance.contracts)
      await this.#put(contract.split("@")[0]!, instance.id, JSON.stringify(instance), lease);
  }

  /** Everything that is there of an instance. */
  async forget(id: string): Promise<void> {
    const { kvs = [] } = (await this.post("/v3/kv/range", all(this.#prefix))) as {
      kvs?: { key: string }[];
    };
    for (const { key } of kvs) {
      if (Buffer.from(key, "base64").toString().endsWith(`/${id}`))
        await this.post("/v3/kv/deleterange", { key });
    }
  }

  async #put(service: string, id: string, value: string, lease?: unknown): Promise<void> {
    const key = base64(`${this.#prefix}services/${service}/${id}`);
    await this.post("/v3/kv/put", { key, value: base64(value), lease });
  }

  async #delete(prefix: string): Promise<void> {
    await this.post("/v3/kv/deleterange", all(prefix));
  }
}

/** All keys that begin so: prefixes here end with a slash, and "0" comes behind it. */
function all(prefix: string): { readonly key: string; readonly range_end: string } {
  return { key: base64(prefix), range_end: base64(`${prefix.slice(0, -1)}0`) };
}

function base64(text: string): string {
  return Buffer.from(text).toString("base64");
}
