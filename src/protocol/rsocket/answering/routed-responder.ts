import type { FrameView } from "../../../wire/frame-view.ts";
import { readTags } from "../../../wire/routing.ts";
import { formatOf } from "../../../codec/codecs.ts";
import type { Format } from "../../../codec/format.ts";
import { json } from "../../../codec/json.ts";
import { Incoming } from "../../incoming.ts";
import type { Codecs } from "../../operation.ts";
import type { Dispatcher, ServedOperation } from "../../protocol.ts";
import { readCallMetadata, type CallMetadata } from "../metadata/call-metadata.ts";
import { noHeaders } from "../metadata/metadata.ts";
import { Responder, type AnsweringBounds, type ResponderHome } from "./responder.ts";
import { findRoute } from "../metadata/route.ts";
import { ServedDuplex } from "./served-duplex.ts";
import { ServedUpload } from "./served-upload.ts";
import type { Session } from "../session.ts";

/** How a peer that is not Trunkline describes its requests: with composite metadata, or with nothing but a route. */
export type RoutedForm = "composite" | "routing";

/** The routes that one connection has found so far are remembered, up to this many. */
const routesMax = 4_096;

/** The answering half of a session with a peer that asks by route instead of by number. */
export class RoutedResponder extends Responder {
  readonly #form: RoutedForm;
  /** What the SETUP said for all requests of the connection. */
  readonly #headers: Readonly<Record<string, string>>;
  /** What its data is written as where a request does not say; undefined: JSON. */
  readonly #format: Format | undefined;
  readonly #found = new Map<string, ServedOperation>();

  constructor(
    session: Session,
    dispatcher: Dispatcher,
    options: AnsweringBounds,
    home: ResponderHome,
    form: RoutedForm,
    headers: Readonly<Record<string, string>>,
    format: Format | undefined,
  ) {
    super(session, dispatcher, options, home);
    this.#format = format;
    this.#form = form;
    this.#headers = headers;
  }

  /** Peers of this kind announce nothing; what they push is theirs to understand. */
  override announce(): boolean {
    return true;
  }

  override request(memory: Buffer, view: FrameView, arrivedAt?: number): void {
    const metadata = this.#read(memory, view);
    if (typeof metadata === "string") {
      this.refuse(view, undefined, "INVALID_ARGUMENT", metadata);
      return;
    }
    if (metadata.tags.length === 0) {
      this.refuse(view, undefined, "INVALID_ARGUMENT", "the request has no route");
      return;
    }
    const served = this.#find(metadata.tags);
    if (typeof served === "string") this.refuse(view, undefined, "UNIMPLEMENTED", served);
    else if (this.admits(view, served)) this.#start(memory, view, served, metadata, arrivedAt);
  }

  /** Where no head is declared the first payload is the first item: nobody but us sends an empty one before the items. */
  protected override run(
    view: FrameView,
    served: ServedOperation,
    codecs: Codecs,
    incoming: Incoming,
    input: unknown,
  ): void {
    if (!served.operation.headless) {
      super.run(view, served, codecs, incoming, input);
      return;
    }
    const Request = served.operation.kind === "upload" ? ServedUpload : ServedDuplex;
    const request = new Request(this, served, codecs, incoming, view);
    if (input !== undefined) request.begin(input, view.dataTo - view.dataFrom);
    void request.run(undefined);
  }

  #read(memory: Buffer, { metadataFrom, metadataTo }: FrameView): CallMetadata | string {
    if (this.#form === "composite") return readCallMetadata(memory, metadataFrom, metadataTo);
    const tags = readTags(memory, metadataFrom, metadataTo);
    return typeof tags === "string" ? tags : { ...nothingSaid, tags };
  }

  #find(tags: readonly string[]): ServedOperation | string {
    const key = tags.join("\n");
    const known = this.#found.get(key);
    if (known !== undefined) return known;
    const found = findRoute(this.dispatcher, tags);
    if (typeof found !== "string" && this.#found.size < routesMax) this.#found.set(key, found);
    return found;
  }

  #start(
    memory: Buffer,
    view: FrameView,
    served: ServedOperation,
    metadata: CallMetadata,
    arrivedAt: number | undefined,
  ): void {
    const codecs = this.#codecsOf(served, metadata.dataMime);
    if (typeof codecs === "string") {
      this.refuse(view, served, "UNIMPLEMENTED", codecs);
      return;
    }
    const first = served.operation.headless ? codecs.input : codecs.first;
    const now = arrivedAt ?? this.session.env.now();
    const { trace, timeLeftMs, totalMs, idempotencyKey } = metadata;
    const incoming = new Incoming(
      this.session.connection.peer,
      now + timeLeftMs,
      now + totalMs,
      trace,
      idempotencyKey,
      this.#headers === noHeaders ? metadata.headers : merged(this.#headers, metadata.headers),
      now,
    );
    if (!this.placed(view, served, incoming, metadata)) return;
    this.begin(memory, view, served, first, codecs, incoming, arrivedAt !== undefined);
  }

  /** What the request says of its data counts; else what the SETUP says, where that is spoken here. */
  #codecsOf(served: ServedOperation, dataMime: string | undefined): Codecs | string {
    const { operation } = served;
    const format = dataMime === undefined ? this.#format : formatOf(dataMime, this.formats);
    if (format !== undefined) return this.spoken(served, format);
    const takes = operation.headless ? operation.input : operation.first;
    if (dataMime === undefined || takes !== json || isJson(dataMime)) return operation;
    return `${operation.name} takes JSON, not ${dataMime}`;
  }
}

const nothingSaid: CallMetadata = Object.freeze({
  tags: [],
  trace: undefined,
  dataMime: undefined,
  timeLeftMs: Infinity,
  totalMs: Infinity,
  idempotencyKey: undefined,
  lane: undefined,
  tries: undefined,
  onlyBoot: undefined,
  headers: noHeaders,
});

/** `application/json`, `text/json` or a type that is written as JSON (RFC 6839), whatever its parameters. */
function isJson(mime: string): boolean {
  return /^[^;]*[/+]json\s*(;|$)/.test(mime);
}

/** A request's own headers win. */
function merged(
  connection: Readonly<Record<string, string>>,
  request: Readonly<Record<string, string>>,
): Readonly<Record<string, string>> {
  const headers: Record<string, string> = Object.create(null);
  return Object.freeze(Object.assign(headers, connection, request));
}
