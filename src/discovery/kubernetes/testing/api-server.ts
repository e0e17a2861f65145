import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

import type { Instance } from "../../discovery.ts";
import type { EndpointSlice } from "../slices.ts";

/**
 * Plays the part of the Kubernetes API that serves EndpointSlices, in the shapes and with the rules of its documentation ("API
 * Concepts": lists with a resource version, watches from one, bookmarks, 410 Gone after compaction). It is not Kubernetes.
 */
export class PlayedApiServer {
  readonly token: string = "right";
  /** What was asked, in order. */
  readonly asked: URL[] = [];
  readonly #server = createServer((request, response) => this.#answer(request, response));
  readonly #slices: Map<string, EndpointSlice> = new Map();
  readonly #log: {
    readonly version: number;
    readonly type: string;
    readonly slice: EndpointSlice;
  }[] = [];
  readonly #watching: Set<ServerResponse> = new Set();
  #version = 1;
  #compacting = false;
  #silent = false;
  /** The status and the words of every answer, instead of what it should be. */
  refusal: { readonly code: number; readonly message: string } | undefined;

  async listen(): Promise<string> {
    this.#server.listen(0, "127.0.0.1");
    await once(this.#server, "listening");
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, "close");
  }

  set(slice: EndpointSlice): void {
    const { name } = slice.metadata;
    this.#change(this.#slices.has(name) ? "MODIFIED" : "ADDED", slice);
    this.#slices.set(name, slice);
  }

  delete(name: string): void {
    const slice = this.#slices.get(name);
    if (slice === undefined) return;
    this.#slices.delete(name);
    this.#change("DELETED", slice);
  }

  bookmark(): void {
    const metadata = { resourceVersion: String(this.#version), creationTimestamp: null };
    const kind = { kind: "EndpointSlice", apiVersion: "discovery.k8s.io/v1" };
    this.#tell({ type: "BOOKMARK", object: { ...kind, metadata, endpoints: null, ports: null } });
  }

  /** Forgets what was: the next watch is told 410, whatever it begins with, because all has gone on meanwhile. */
  compact(): void {
    this.#compacting = true;
  }

  /** Tells those who watch that their version is gone. */
  expire(): void {
    this.#tell({
      type: "ERROR",
      object: status(410, "too old resource version: 1 (2)", "Expired"),
    });
    this.endWatches();
  }

  endWatches(): void {
    for (const each of this.#watching) each.end();
    this.#watching.clear();
  }

  /** Takes questions, and answers none; what is watched hears nothing. */
  silence(): void {
    this.#silent = true;
  }

  speak(): void {
    this.#silent = false;
    this.#server.closeAllConnections();
  }

  get watches(): number {
    return this.#watching.size;
  }

  #change(type: string, slice: EndpointSlice): void {
    const version = ++this.#version;
    const metadata = { ...slice.metadata, resourceVersion: String(version) };
    const entry = { version, type, slice: { ...slice, metadata } };
    this.#log.push(entry);
    this.#tell({ type, object: entry.slice });
  }

  #tell(event: object): void {
    if (this.#silent) return;
    for (const each of this.#watching) each.write(`${JSON.stringify(event)}\n`);
  }

  #answer({ url = "", headers }: IncomingMessage, response: ServerResponse): void {
    const asked = new URL(url, "http://x");
    this.asked.push(asked);
    if (this.#silent) return;
    const query = asked.searchParams;
    if (headers.authorization !== `Bearer ${this.token}`)
      return refuse(response, status(401, "Unauthorized", "Unauthorized"));
    if (this.refusal !== undefined)
      return refuse(response, status(this.refusal.code, this.refusal.message, "Refused"));
    if (asked.pathname !== "/apis/discovery.k8s.io/v1/namespaces/shop/endpointslices")
      return refuse(response, status(404, "the server could not find the requested resource", ""));
    const service = query.get("labelSelector")?.replace("kubernetes.io/service-name=", "");
    const own = ({ metadata }: EndpointSlice): boolean =>
      metadata.labels?.["kubernetes.io/service-name"] === service;
    if (query.get("watch") === null) {
      const metadata = { resourceVersion: String(this.#version) };
      const items = [...this.#slices.values()].filter(own);
      const kind = { kind: "EndpointSliceList", apiVersion: "discovery.k8s.io/v1" };
      response.writeHead(200, { "content-type": "application/json" });
      response.end(JSON.stringify({ ...kind, metadata, items }));
      return;
    }
    const from = Number(query.get("resourceVersion"));
    if (this.#compacting) {
      this.#compacting = false;
      return refuse(response, status(410, "The provided resource version is too old.", "Expired"));
    }
    response.writeHead(200, { "content-type": "application/json" });
    response.flushHeaders();
    for (const { version, type, slice } of this.#log)
      if (version > from && own(slice))
        response.write(`${JSON.stringify({ type, object: slice })}\n`);
    this.#watching.add(response);
    response.on("close", () => this.#watching.delete(response));
  }
}

/** A slice of a service as the controller of Kubernetes makes it. */
export function sliceFor(
  service: string,
  endpoints: EndpointSlice["endpoints"],
  more: Partial<EndpointSlice> = {},
): EndpointSlice {
  return {
    metadata: { name: `${service}-abcde`, labels: { "kubernetes.io/service-name": service } },
    endpoints: endpoints ?? null,
    ports: [{ name: "tcp", port: 7_400, protocol: "TCP" }],
    ...more,
  };
}

/** The slices that hold these instances: one for each, because the ports of a slice are those of all its endpoints. */
export function slicesOf(service: string, instances: readonly Instance[]): EndpointSlice[] {
  return instances.map(({ id, bootId, addresses }) => {
    const { hostname, port } = new URL(addresses[0]!.replace(/^tcp:/, "http:"));
    const endpoint = { addresses: [hostname], targetRef: { name: id, uid: bootId } };
    return sliceFor(service, [endpoint], {
      metadata: { name: `${service}-${id}`, labels: { "kubernetes.io/service-name": service } },
      ports: [{ name: "tcp", port: Number(port), protocol: "TCP" }],
    });
  });
}

function status(code: number, message: string, reason: string): object {
  const kind = { kind: "Status", apiVersion: "v1", metadata: {} };
  return { ...kind, status: "Failure", message, reason, code };
}

function refuse(response: ServerResponse, body: object): void {
  const { code } = body as { readonly code: number };
  response.writeHead(code, { "content-type": "application/json" }).end(JSON.stringify(body));
}
