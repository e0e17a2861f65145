import { isTrunklineError, systemError, type SystemError } from "../../../base/error.ts";
import type { Format } from "../../../codec/format.ts";
import type { Incoming } from "../../incoming.ts";
import type { Dispatcher } from "../../protocol.ts";
import type { DocumentPath, Documents, SentDocument } from "../openapi/documents.ts";
import { reflectionOf } from "../openapi/reflected.ts";
import type { RestServeOptions } from "../options.ts";
import { codingFor, compress } from "./coding.ts";
import type { Exchange } from "./exchange.ts";
import { headerIn } from "./messages.ts";
import { refusal, type Refusal } from "./refusal.ts";

/** Answers with what the server describes itself by. What makes that is loaded when it is first asked for. */
export class DocumentServer {
  readonly #dispatcher: Dispatcher;
  readonly #options: RestServeOptions;
  readonly #formats: readonly Format[];
  #documents: Promise<Documents> | undefined;

  constructor(dispatcher: Dispatcher, options: RestServeOptions, formats: readonly Format[]) {
    this.#dispatcher = dispatcher;
    this.#options = options;
    this.#formats = formats;
  }

  /** The document that stands there. `shared`: in another server, which may have pages of these names. */
  pathOf(path: string, shared: boolean): DocumentPath | undefined {
    if (path !== "/openapi.json" && path !== "/docs") return undefined;
    const { documents = !shared && reflectionOf(this.#dispatcher) !== undefined } = this.#options;
    return documents ? path : undefined;
  }

  serve(exchange: Exchange, path: DocumentPath, incoming: () => Incoming): Refusal | undefined {
    const { method } = exchange.request;
    if (method !== "GET" && method !== "HEAD") {
      const reason = `${path} is read, by GET`;
      return refusal("UNIMPLEMENTED", reason, 405, { allow: "GET, HEAD, OPTIONS" });
    }
    exchange.home.began(exchange);
    void this.#answer(exchange, path, incoming());
    return undefined;
  }

  async #answer(exchange: Exchange, path: DocumentPath, incoming: Incoming): Promise<void> {
    try {
      const documents = await (this.#documents ??= this.#load());
      await send(exchange, await documents.at(path, incoming), this.#options.compression !== false);
      exchange.over();
    } catch (error) {
      exchange.refuse({ error: isTrunklineError(error) ? (error as SystemError) : failed(error) });
    }
  }

  async #load(): Promise<Documents> {
    const { Documents: Made } = await import("../openapi/documents.ts");
    return new Made(this.#dispatcher, this.#options, this.#formats);
  }
}

async function send(exchange: Exchange, document: SentDocument, small: boolean): Promise<void> {
  const { headers } = exchange.request;
  const { etag = "", ...told } = document.headers;
  if (headerIn(headers, "if-none-match")?.includes(etag) === true)
    return exchange.send(304, { etag, vary: "accept-encoding" }, undefined);
  const answer = { ...told, etag, vary: "accept-encoding" };
  const coding = small ? codingFor(headerIn(headers, "accept-encoding")) : undefined;
  const smaller = coding === undefined ? undefined : await compress(coding, document.text);
  if (coding === undefined || smaller === undefined)
    return exchange.send(200, answer, document.text);
  exchange.send(200, { ...answer, "content-encoding": coding }, smaller);
}

function failed(cause: unknown): SystemError {
  return systemError("INTERNAL", "what describes the server could not be made", {
    executed: "no",
    cause,
  });
}
