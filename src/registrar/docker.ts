import { request } from "node:http";

import { alarmAt } from "../base/alarm.ts";
import type { Env } from "../base/env.ts";
import type { Alarm } from "../base/timer-wheel.ts";
import { healthChecks, type HealthCheck, type Target, type TargetSource } from "./target.ts";

export interface DockerOptions {
  /** The socket of its API. Default `/var/run/docker.sock`. */
  readonly socket?: string;
  /**
   * How containers are reached: `network` at their own address, from another container or the same host; `published` at the port of
   * this host that leads to them. Default `network`.
   */
  readonly reach?: "network" | "published";
  /** How often everything is read anew, in milliseconds, beside what events tell. Default 30,000. */
  readonly resyncMs?: number;
}

/** A container as `/containers/ID/json` tells it: what we read of it. */
interface Container {
  readonly Id: string;
  readonly Name: string;
  readonly State: { readonly Running: boolean; readonly StartedAt: string };
  readonly Config: { readonly Labels: Readonly<Record<string, string>> | null };
  readonly NetworkSettings: {
    readonly Networks?: Readonly<Record<string, { readonly IPAddress?: string }>>;
    readonly Ports?: Readonly<
      Record<string, readonly { readonly HostIp: string; readonly HostPort: string }[] | null>
    >;
  };
}

/** The version of the API that is spoken: Docker 20.10 and later know it, and Podman. */
const version = "/v1.41";
const answerMs = 5_000;
const answerCharsMax = 16_777_216;
const retryMs = 2_000;
/** Events come in heaps; they are all answered by one look. */
const debounceMs = 100;

/**
 * The containers that have the labels `trunkline.contracts` (`orders@1,invoices@2`) and `trunkline.port`; also `trunkline.scheme`
 * (`tcp`, `grpc`…; default `tcp`), `trunkline.check` and `trunkline.lane`. Of Docker, or whoever speaks its API.
 */
export function docker(options: DockerOptions = {}): TargetSource {
  return new Docker(options);
}

class Docker implements TargetSource {
  readonly name = "docker";
  readonly #options: Required<DockerOptions>;
  readonly #over: AbortController = new AbortController();
  #alarm: Alarm | undefined;
  #env: Env | undefined;
  #tell: (targets: readonly Target[]) => void = () => {};
  #problem: (reason: string) => void = () => {};
  #told = "";
  #failed = false;
  #following = false;
  #looking: Promise<void> = Promise.resolve();

  constructor({
    socket = "/var/run/docker.sock",
    reach = "network",
    resyncMs = 30_000,
  }: DockerOptions) {
    this.#options = { socket, reach, resyncMs };
  }

  follow(
    tell: (targets: readonly Target[]) => void,
    problem: (reason: string) => void,
    env: Env,
  ): void {
    [this.#tell, this.#problem, this.#env] = [tell, problem, env];
    this.#looking = this.#look();
  }

  async close(): Promise<void> {
    this.#over.abort();
    if (this.#alarm !== undefined) this.#env?.clear(this.#alarm);
    await this.#looking;
  }

  async #look(): Promise<void> {
    let waitMs = this.#options.resyncMs;
    try {
      this.#events(); // first, so that nothing is missed
      const filters = encodeURIComponent(JSON.stringify({ label: ["trunkline.contracts"] }));
      const list = (await this.#ask(`/containers/json?filters=${filters}`)) as { Id: string }[];
      const targets: Target[] = [];
      for (const { Id } of list) {
        const found = (await this.#ask(`/containers/${Id}/json`)) as Container | undefined;
        if (found?.State.Running === true) targets.push(this.#targetOf(found));
      }
      this.#failed = false;
      const found = JSON.stringify(targets);
      if (found !== this.#told) this.#tell(targets);
      this.#told = found;
    } catch (error) {
      if (this.#over.signal.aborted) return;
      if (!this.#failed) this.#problem(`docker does not answer: ${(error as Error).message}`);
      this.#failed = true;
      waitMs = retryMs;
    }
    this.#again(waitMs);
  }

  #again(waitMs: number): void {
    const env = this.#env!;
    if (this.#over.signal.aborted) return;
    if (this.#alarm !== undefined) env.clear(this.#alarm);
    this.#alarm = alarmAt(env, env.now() + waitMs, () => {
      this.#looking = this.#look();
    });
  }

  /** Looks anew soon after something has begun or ended; when events end, the next look follows them again. */
  #events(): void {
    if (this.#following) return;
    this.#following = true;
    const filters = { type: ["container"], event: ["start", "die", "destroy", "rename"] };
    const query = encodeURIComponent(JSON.stringify(filters));
    const asked = request({
      socketPath: this.#options.socket,
      path: `${version}/events?filters=${query}`,
      signal: this.#over.signal,
    });
    const ended = (): void => {
      this.#following = false;
      this.#again(retryMs);
    };
    asked.on("error", ended).on("response", (answer) => {
      answer.on("data", () => {
        void this.#looking.then(() => this.#again(debounceMs));
      });
      answer.on("error", () => {}).on("close", ended);
    });
    asked.end();
  }

  /** Undefined: what was asked for is gone. */
  async #ask(path: string): Promise<unknown> {
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    const asked = request({
      socketPath: this.#options.socket,
      path: version + path,
      signal: this.#over.signal,
    });
    const env = this.#env!;
    const alarm = alarmAt(env, env.now() + answerMs, () =>
      asked.destroy(new Error(`nothing within ${answerMs} ms`)),
    );
    asked.on("error", reject).on("response", (answer) => {
      let text = "";
      answer.setEncoding("utf8").on("error", reject);
      answer.on("data", (part: string) => {
        text += part;
        if (text.length > answerCharsMax) asked.destroy(new Error("its answer is too long"));
      });
      answer.on("end", () => {
        if (answer.statusCode === 404) resolve(undefined);
        else if (answer.statusCode === 200) resolve(JSON.parse(text));
        else reject(new Error(`status ${answer.statusCode}: ${text.slice(0, 200)}`));
      });
    });
    asked.end();
    try {
      return await promise;
    } finally {
      env.clear(alarm);
    }
  }

  #targetOf({ Id, Name, State, Config, NetworkSettings }: Container): Target {
    const labels = Config.Labels ?? {};
    const port = labels["trunkline.port"] ?? "";
    const scheme = labels["trunkline.scheme"] ?? "tcp";
    const check = labels["trunkline.check"] ?? "contract";
    const lane = labels["trunkline.lane"];
    const place =
      this.#options.reach === "network"
        ? ownPlace(NetworkSettings, port)
        : publishedPlace(NetworkSettings, port);
    return {
      id: Name.replace(/^\//, ""),
      bootId: `${Id.slice(0, 12)}-${State.StartedAt}`,
      contracts: (labels["trunkline.contracts"] ?? "").split(",").map((each) => each.trim()),
      addresses: place === undefined ? [] : [`${scheme}://${place}`],
      check: healthChecks.includes(check as HealthCheck) ? (check as HealthCheck) : "contract",
      ...(lane === undefined ? {} : { lane }),
    };
  }
}

function ownPlace(
  { Networks = {} }: Container["NetworkSettings"],
  port: string,
): string | undefined {
  const ip = Object.values(Networks).find(({ IPAddress = "" }) => IPAddress !== "")?.IPAddress;
  return ip === undefined ? undefined : `${ip}:${port}`;
}

function publishedPlace(
  { Ports = {} }: Container["NetworkSettings"],
  port: string,
): string | undefined {
  const [bound] = Ports[`${port}/tcp`] ?? [];
  if (bound === undefined) return undefined;
  const host = bound.HostIp === "0.0.0.0" || bound.HostIp === "" ? "127.0.0.1" : bound.HostIp;
  return `${host.includes(":") ? `[${host}]` : host}:${bound.HostPort}`;
}
