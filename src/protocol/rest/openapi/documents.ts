import { hash } from "node:crypto";
import type { ContractShape } from "../../../base/contract-shape.ts";
import type { Format } from "../../../codec/format.ts";
import type { Incoming } from "../../incoming.ts";
import type { Dispatcher } from "../../protocol.ts";
import type { RestServeOptions } from "../options.ts";
import { openApi, type DescribedShape } from "./document.ts";
import { documentationPage } from "./page/page.ts";
import { reflectionOf } from "./reflected.ts";

/** A document as it is sent. */
export interface SentDocument {
  readonly text: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** Where documents stand, and which. */
export type DocumentPath = "/openapi.json" | "/docs";

/** What a server says of itself in OpenAPI, and as a page; made anew only when what is served has changed. */
export class Documents {
  readonly #dispatcher: Dispatcher;
  readonly #options: RestServeOptions;
  readonly #mediaTypes: readonly string[];
  #made:
    | { readonly of: string; readonly documents: Readonly<Record<DocumentPath, SentDocument>> }
    | undefined;

  constructor(dispatcher: Dispatcher, options: RestServeOptions, formats: readonly Format[]) {
    this.#dispatcher = dispatcher;
    this.#options = options;
    this.#mediaTypes = formats
      .flatMap(({ mediaTypes }) => mediaTypes)
      .filter((type) => type !== "application/json");
  }

  /** Rejects with the refusal of reflection, where that decides who may ask. */
  async at(path: DocumentPath, incoming: Incoming): Promise<SentDocument> {
    const { name, contracts } = await this.#described(incoming);
    const of = JSON.stringify([name, contracts]);
    if (this.#made?.of !== of) this.#made = { of, documents: this.#make(name, contracts) };
    return this.#made.documents[path];
  }

  async #described(incoming: Incoming): Promise<Described> {
    const reflection = reflectionOf(this.#dispatcher);
    if (this.#options.documents === true || reflection === undefined)
      return { name: undefined, contracts: ownShapes(this.#dispatcher) };
    return (await reflection.handle(undefined, incoming)) as Described;
  }

  #make(
    title: string | undefined,
    contracts: readonly DescribedShape[],
  ): Readonly<Record<DocumentPath, SentDocument>> {
    const document = openApi(contracts, {
      ...this.#options,
      mediaTypes: this.#mediaTypes,
      ...(title === undefined ? {} : { title }),
    });
    const { html, policy } = documentationPage(document);
    return {
      "/openapi.json": sent(JSON.stringify(document), { "content-type": "application/json" }),
      "/docs": sent(html, {
        "content-type": "text/html; charset=utf-8",
        "content-security-policy": policy,
        "x-content-type-options": "nosniff",
        "referrer-policy": "no-referrer",
      }),
    };
  }
}

interface Described {
  readonly name: string | undefined;
  readonly contracts: readonly DescribedShape[];
}

/** Of what is served, Trunkline's own contracts excepted. */
function ownShapes(dispatcher: Dispatcher): readonly ContractShape[] {
  const shapes = dispatcher.list().map(({ operation: { owner } }) => owner.shape);
  return [...new Set(shapes)].filter(({ name }) => !name.startsWith("trunkline-"));
}

function sent(text: string, headers: Record<string, string>): SentDocument {
  const etag = `W/"${hash("sha1", text, "base64url")}"`;
  return { text, headers: { ...headers, etag, "cache-control": "no-cache" } };
}
