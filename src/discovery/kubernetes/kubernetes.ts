import { readFile } from "node:fs/promises";
import { join } from "node:path";

import type { Env } from "../../base/env.ts";
import { systemError, type SystemError } from "../../base/error.ts";
import type { Discovery } from "../discovery.ts";
import { Opened } from "../opened.ts";
import { answerMsDefault, RegistryHttp, type Answer, type RegistryTls } from "../registry-http.ts";
import { roundMsMin, watchByRounds, type Round } from "../rounds.ts";
import { instancesIn, type EndpointSlice } from "./slices.ts";

export interface KubernetesOptions {
  /** The API server. Default `https://kubernetes.default.svc`, as it is called inside the cluster. */
  readonly url?: string;
  /** Who we are. Default: the token of the pod's service account, read anew for each question because it is changed every hour. */
  readonly token?: string;
  /** Whom we trust, and a certificate of ours where the API server takes one. Default: the authority of the pod's service account. */
  readonly tls?: RegistryTls;
  /** Where the services are. Default: the pod's own namespace. */
  readonly namespace?: string;
  /** The Kubernetes Service of a contract, where it is not called alike. Default: `orderLines` is `order-lines`. */
  readonly services?: Readonly<Record<string, string>>;
  /** What is spoken at a port whose name and `appProtocol` do not say. Default `tcp`. */
  readonly scheme?: string;
  /** Where the files of the service account are. Default: where Kubernetes mounts them. */
  readonly accountFolder?: string;
  /** How long it may take to answer what needs no waiting, in milliseconds. Default 3,000. */
  readonly answerMs?: number;
  /** After this time without a sign (the API server sends one each minute) everything is read anew, in milliseconds. Default 90,000. */
  readonly silentMs?: number;
  /** How often everything is read anew in any case, in milliseconds, give or take a quarter. Default five minutes. */
  readonly resyncMs?: number;
}

interface SliceList {
  readonly metadata: { readonly resourceVersion: string };
  readonly items?: readonly EndpointSlice[] | null;
}

interface WatchEvent {
  readonly type: "ADDED" | "MODIFIED" | "DELETED" | "BOOKMARK" | "ERROR";
  readonly object: EndpointSlice & { readonly code?: number; readonly message?: string };
}

/** Where Kubernetes mounts the account of a pod. */
const account = "/var/run/secrets/kubernetes.io/serviceaccount";

/** The version of the watched list is not known any more. */
const gone = 410;

/**
 * Discovery by Kubernetes 1.21 or later: the EndpointSlices of the Service that is called as the contract. Kubernetes is its own
 * registry: it puts pods in when they are ready, and marks them when they are about to go; nothing is registered from here.
 */
export function kubernetes(options: KubernetesOptions = {}): Discovery {
  const api = new EndpointApi(options);
  const open = new Opened();
  const close = async (): Promise<void> => {
    await open.close();
    await api.close();
  };
  return {
    name: "kubernetes",
    capabilities: { registers: false, expires: "at once", pushes: true, attributes: true },
    watch(service, onChange, env) {
      const feed = watchByRounds(
        { registry: "kubernetes", service, onChange, env },
        (round) => api.follow(service, round),
        () => open.delete(feed),
      );
      open.add(feed);
      return feed;
    },
    register: () =>
      Promise.reject(
        systemError("UNIMPLEMENTED", "Kubernetes registers pods itself", {
          executed: "no",
          advice: "make a Service that selects them, and give them a readiness probe",
        }),
      ),
    close,
    [Symbol.asyncDispose]: close,
  };
}

class EndpointApi {
  readonly #options: KubernetesOptions;
  readonly #folder: string;
  readonly #http: RegistryHttp;

  constructor(options: KubernetesOptions) {
    this.#options = options;
    this.#folder = options.accountFolder ?? account;
    const { url = "https://kubernetes.default.svc", tls, answerMs = answerMsDefault } = options;
    const own = async (): Promise<RegistryTls> => ({ ca: await this.#file("ca.crt") });
    this.#http = new RegistryHttp({
      registry: "kubernetes",
      urls: [url],
      tls: tls ?? (url.startsWith("https:") ? own : undefined),
      answerMs,
    });
  }

  async follow(service: string, { tell, signal, pause, env }: Round): Promise<void> {
    const { scheme = "tcp", silentMs = 90_000, resyncMs = 300_000 } = this.#options;
    const path = await this.#path(service);
    for (;;) {
      const { metadata, items } = await this.#list(path, env, signal);
      const slices = new Map((items ?? []).map((each) => [each.metadata.name, each]));
      const all = (): void => tell(instancesIn(slices.values(), service, scheme));
      all();
      const untilMs = env.now() + resyncMs * (0.75 + env.random() / 2);
      const expired = await this.#watch(
        { path, version: metadata.resourceVersion, untilMs, silentMs },
        ({ type, object }) => {
          if (type === "DELETED") slices.delete(object.metadata.name);
          else slices.set(object.metadata.name, object);
          all();
        },
        env,
        signal,
      );
      if (signal.aborted || !expired) return;
      await pause(roundMsMin);
    }
  }

  close(): Promise<void> {
    return this.#http.close();
  }

  async #list(path: string, env: Env, signal: AbortSignal): Promise<SliceList> {
    const headers = await this.#headers();
    const answer = await this.#http.ask({ method: "GET", path, headers, signal }, env);
    if (answer.status !== 200) throw this.#refused(answer);
    return JSON.parse(answer.text) as SliceList;
  }

  /** True when everything has to be read anew: it is time, nothing was heard, or the version is gone. False when it was ended. */
  async #watch(
    at: {
      readonly path: string;
      readonly version: string;
      readonly untilMs: number;
      readonly silentMs: number;
    },
    hear: (event: WatchEvent) => void,
    env: Env,
    signal: AbortSignal,
  ): Promise<boolean> {
    let expired = false;
    const seconds = Math.ceil((at.untilMs - env.now()) / 1_000);
    const watching = `&watch=1&allowWatchBookmarks=true&resourceVersion=${at.version}&timeoutSeconds=${seconds}`;
    const how = await this.#http.follow(
      {
        method: "GET",
        path: at.path + watching,
        headers: await this.#headers(),
        signal,
        withinMs: at.silentMs,
      },
      env,
      (line) => {
        const event = JSON.parse(line) as WatchEvent;
        if (event.type === "BOOKMARK" || expired) return;
        if (event.type !== "ERROR") hear(event);
        else if (event.object.code === gone) expired = true;
        else throw refusal("UNAVAILABLE", event.object.message ?? "the watch failed");
      },
      (answer) => {
        if (answer.status !== gone) throw this.#refused(answer);
        expired = true;
      },
    );
    return expired || how === "silent" || env.now() >= at.untilMs;
  }

  async #path(service: string): Promise<string> {
    const { namespace = await this.#file("namespace"), services = {} } = this.#options;
    const name = services[service] ?? kebab(service);
    const selector = encodeURIComponent(`kubernetes.io/service-name=${name}`);
    const within = encodeURIComponent(namespace.trim());
    return `/apis/discovery.k8s.io/v1/namespaces/${within}/endpointslices?labelSelector=${selector}`;
  }

  async #headers(): Promise<Readonly<Record<string, string>>> {
    const { token = await this.#file("token"), tls } = this.#options;
    // Whoever shows a certificate needs no token.
    if (token === "" && tls?.cert !== undefined) return {};
    return { authorization: `Bearer ${token.trim()}` };
  }

  async #file(name: string): Promise<string> {
    const path = join(this.#folder, name);
    try {
      return await readFile(path, "utf8");
    } catch (cause) {
      throw systemError("UNAVAILABLE", `kubernetes: ${path} cannot be read`, {
        executed: "no",
        advice: "outside a pod give `url`, `token`, `tls.ca` and `namespace`",
        cause,
      });
    }
  }

  #refused({ status, text }: Answer): SystemError {
    const why = messageIn(text) ?? `status ${status}`;
    if (status === 401)
      return refusal("UNAUTHENTICATED", why, "give a `token` that is valid in this cluster");
    if (status === 403)
      return refusal(
        "PERMISSION_DENIED",
        why,
        "let the service account get, list and watch endpointslices in discovery.k8s.io",
      );
    return refusal("UNAVAILABLE", why);
  }
}

function refusal(
  code: "UNAVAILABLE" | "UNAUTHENTICATED" | "PERMISSION_DENIED",
  why: string,
  advice?: string,
): SystemError {
  return systemError(code, `kubernetes: ${why}`, { executed: "no", advice });
}

function messageIn(text: string): string | undefined {
  try {
    return (JSON.parse(text) as { readonly message?: string }).message;
  } catch {
    return undefined;
  }
}

/** `order-lines` of `orderLines`: names of Services have no capitals. */
function kebab(service: string): string {
  return service.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}
