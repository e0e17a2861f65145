import { channels } from "../../../base/diagnostics.ts";
import { systemError, type TrunklineError } from "../../../base/error.ts";
import type { SystemCode } from "../../../base/outcome.ts";
import type { Codec } from "../../../codec/codec.ts";
import type { Format } from "../../../codec/format.ts";
import { codecOf } from "../../../codec/codecs.ts";
import { FrameType } from "../../../wire/frame-type.ts";
import type { FrameView } from "../../../wire/frame-view.ts";
import { Incoming } from "../../incoming.ts";
import type { Codecs, ContractName } from "../../operation.ts";
import { hearTries, wrongBoot } from "../../standing.ts";
import type { Dispatcher, ServedOperation } from "../../protocol.ts";
import { encodeFailure, errorCodeOf } from "../metadata/failure.ts";
import type { Payload } from "../frames/frame-sender.ts";
import {
  fixedBytes,
  noExtensions,
  readCodec,
  readDeadline,
  readExact,
  readExtensions,
  readIndex,
  readTrace,
} from "../metadata/metadata.ts";
import { ServedCall } from "./served-call.ts";
import { ServedDuplex } from "./served-duplex.ts";
import { ServedStream } from "./served-stream.ts";
import { ServedUpload } from "./served-upload.ts";
import type { AnsweringSide } from "./answering-side.ts";
import type { Answering } from "../answering.ts";
import type { Session } from "../session.ts";
import { operationsMax } from "../metadata/setup.ts";

/** The frame type that each kind is asked with. */
const requestTypes: Readonly<Partial<Record<ServedOperation["operation"]["kind"], number>>> = {
  call: FrameType.REQUEST_RESPONSE,
  stream: FrameType.REQUEST_STREAM,
  upload: FrameType.REQUEST_CHANNEL,
  duplex: FrameType.REQUEST_CHANNEL,
  notification: FrameType.REQUEST_FNF,
};

/** What a side takes on that answers. */
export interface AnsweringBounds {
  readonly inFlightMax: number;
  readonly itemBytesMax: number;
  /** What is spoken beside JSON. */
  readonly formats: readonly Format[];
  /** Tells this life of the process from others. Undefined: who wants a certain one does not find it here. */
  readonly bootId?: string;
}

/** What a request says of its place among others. */
export interface Standing {
  readonly lane: string | undefined;
  readonly tries: number | undefined;
  readonly onlyBoot: string | undefined;
}

/** Who counts the requests of all sessions. `answered`: somebody waits for what comes of it. */
export interface ResponderHome {
  began(incoming: Incoming, answered: boolean): void;
  ended(session: Session, incoming: Incoming, answered: boolean): void;
}

/** The answering half of a session: finds what a request asks for and starts it, or refuses before anything ran. */
export class Responder implements Answering, AnsweringSide {
  readonly session: Session;
  readonly itemBytesMax: number;
  /** Requests whose handlers have not settled. */
  inFlight = 0;
  /** New requests are refused from now on. */
  draining = false;
  protected readonly dispatcher: Dispatcher;
  readonly #inFlightMax: number;
  protected readonly formats: readonly Format[];
  readonly #home: ResponderHome;
  readonly #bootId: string | undefined;
  /** By the index that the peer gave them; undefined what nobody here serves. */
  readonly #served: (ServedOperation | undefined)[] = [];
  readonly #names: string[] = [];

  constructor(
    session: Session,
    dispatcher: Dispatcher,
    options: AnsweringBounds,
    home: ResponderHome,
  ) {
    this.session = session;
    this.itemBytesMax = options.itemBytesMax;
    this.dispatcher = dispatcher;
    this.#inFlightMax = options.inFlightMax;
    this.formats = options.formats;
    this.#home = home;
    this.#bootId = options.bootId;
  }

  /** Takes in the contracts that the peer announces; false when there are more operations than an index can number. */
  announce(contracts: readonly ContractName[]): boolean {
    for (const { name, major, operations } of contracts) {
      if (this.#served.length + operations.length > operationsMax) return false;
      for (const member of operations) {
        this.#served.push(this.dispatcher.find(name, major, member));
        this.#names.push(`${name}@${major}/${member}`);
      }
    }
    return true;
  }

  request(memory: Buffer, view: FrameView, arrivedAt?: number): void {
    const { metadataFrom, metadataTo } = view;
    if (metadataTo - metadataFrom < fixedBytes) {
      this.refuse(view, undefined, "INVALID_ARGUMENT", "the request's metadata is too short");
      return;
    }
    const index = readIndex(memory, metadataFrom);
    const served = this.#served[index];
    if (served === undefined) {
      const name = this.#names[index] ?? `operation ${index}, which was not announced`;
      this.refuse(view, undefined, "UNIMPLEMENTED", `this server does not serve ${name}`);
      return;
    }
    if (this.admits(view, served)) this.#start(memory, view, served, arrivedAt);
  }

  /** False when it was refused: for now nothing more is taken on, or the operation is of another kind. */
  protected admits(view: FrameView, served: ServedOperation): boolean {
    if (!this.takesOn(view, served)) return false;
    const { operation } = served;
    if (requestTypes[operation.kind] === view.type) return true;
    const reason = `${operation.name} is a ${operation.kind}, it was asked as something else`;
    this.refuse(view, served, "UNIMPLEMENTED", reason);
    return false;
  }

  takesOn(view: FrameView, served?: ServedOperation): boolean {
    // A request of which fragments are missing has its place already.
    const underWay = this.inFlight + this.session.incoming.requests;
    if (this.draining) {
      this.refuse(view, served, "UNAVAILABLE", "the server is shutting down");
    } else if (underWay >= this.#inFlightMax) {
      const reason = `${underWay} requests of this connection are under way, ${this.#inFlightMax} are allowed`;
      const details = { executed: "no", gate: "in flight" } as const;
      this.refuseWith(view, served, systemError("RESOURCE_EXHAUSTED", reason, details));
    } else {
      return true;
    }
    return false;
  }

  tooLarge(view: FrameView, reason: string): void {
    this.refuse(view, undefined, "RESOURCE_EXHAUSTED", reason);
  }

  /** `arrivedAt`: when the first fragment came, for the time that its caller gives it counts from there. */
  #start(memory: Buffer, view: FrameView, served: ServedOperation, arrivedAt?: number): void {
    const now = arrivedAt ?? this.session.env.now();
    const { metadataFrom, metadataTo } = view;
    const exact = readExact(memory, metadataFrom);
    const offsetMs = exact ? this.session.env.hostClock?.offsetMs : undefined;
    const from = metadataFrom + fixedBytes;
    const extensions = readExtensions(memory, from, metadataTo, now, offsetMs);
    if (extensions === undefined || (exact && offsetMs === undefined)) {
      this.refuse(view, served, "INVALID_ARGUMENT", "the request's metadata is malformed");
      return;
    }
    const id = readCodec(memory, metadataFrom);
    const own = codecOf(id);
    const codecs =
      own === undefined
        ? this.spoken(
            served,
            this.formats.find((each) => each.id === id),
          )
        : served.operation;
    if (typeof codecs === "string") {
      this.refuse(view, served, "UNIMPLEMENTED", codecs);
      return;
    }
    const incoming = new Incoming(
      this.session.connection.peer,
      readDeadline(memory, metadataFrom, now, offsetMs),
      extensions.totalAt,
      readTrace(memory, metadataFrom),
      extensions.idempotencyKey,
      extensions.headers,
      now,
    );
    if (exact) incoming.exact = true;
    const first = own ?? codecs.first;
    if (extensions !== noExtensions && !this.placed(view, served, incoming, extensions)) return;
    this.begin(memory, view, served, first, codecs, incoming, arrivedAt !== undefined);
  }

  /** Takes in what the request says of its place among others. False when it was refused: another process is meant. */
  protected placed(
    view: FrameView,
    served: ServedOperation,
    incoming: Incoming,
    { lane, tries, onlyBoot }: Standing,
  ): boolean {
    incoming.lane = lane;
    if (tries !== undefined) hearTries(incoming, tries);
    if (onlyBoot === undefined || onlyBoot === this.#bootId) return true;
    this.refuseWith(view, served, wrongBoot());
    return false;
  }

  /** How a request is written, and is to be answered, that says a format; why not, when it cannot be. */
  protected spoken({ operation }: ServedOperation, format: Format | undefined): Codecs | string {
    if (format === undefined) return "this server does not speak the request's codec";
    try {
      return operation.codecs(format);
    } catch (error) {
      return `${operation.name} is not spoken as ${format.name}: ${(error as Error).message}`;
    }
  }

  /**
   * Reads the input and starts the handler. The time of a request may be over by now: its last fragment came late, or it lay in
   * a socket while the process stood still.
   */
  protected begin(
    memory: Buffer,
    view: FrameView,
    served: ServedOperation,
    first: Codec,
    codecs: Codecs,
    incoming: Incoming,
    fragmented: boolean,
  ): void {
    const whole = fragmented ? this.session.env.now() : incoming.receivedAt;
    if (whole >= Math.min(incoming.deadlineAt, incoming.totalAt)) {
      const reason = "the deadline was over before all of the request had come";
      this.refuse(view, served, "DEADLINE_EXCEEDED", reason);
      return;
    }
    let input: unknown;
    try {
      input = first.decode(memory, view.dataFrom, view.dataTo);
    } catch (cause) {
      const told = cause instanceof Error ? cause.message : String(cause);
      const reason = `the input cannot be read as ${first.name}: ${told}`;
      this.refuse(view, served, "INVALID_ARGUMENT", reason);
      return;
    }
    this.inFlight++;
    this.#home.began(incoming, view.type !== FrameType.REQUEST_FNF);
    this.run(view, served, codecs, incoming, input);
  }

  protected run(
    view: FrameView,
    served: ServedOperation,
    codecs: Codecs,
    incoming: Incoming,
    input: unknown,
  ): void {
    switch (served.operation.kind) {
      case "stream":
        return void new ServedStream(this, served, codecs, incoming, view).run(input);
      case "upload":
        return new ServedUpload(this, served, codecs, incoming, view).run(input);
      case "duplex":
        return void new ServedDuplex(this, served, codecs, incoming, view).run(input);
      default:
        return new ServedCall(this, served, codecs, incoming, view).run(input);
    }
  }

  /** Nothing ran: the caller may safely try elsewhere. */
  protected refuse(
    view: FrameView,
    served: ServedOperation | undefined,
    code: SystemCode,
    reason: string,
  ): void {
    this.refuseWith(view, served, systemError(code, reason, { executed: "no" }));
  }

  protected refuseWith(
    view: FrameView,
    served: ServedOperation | undefined,
    error: TrunklineError,
  ): void {
    const { code, reason } = error;
    served?.refused?.(code);
    if (channels.refusal.hasSubscribers) {
      channels.refusal.publish({ operation: served?.operation.name ?? "unknown", code, reason });
    }
    if (view.type !== FrameType.REQUEST_FNF) this.#fail(view.streamId, error, encodeFailure(error));
  }

  payload(streamId: number, flags: number, payload: Payload): void {
    if (!this.session.open) return;
    try {
      this.session.sender.payload(streamId, flags, payload);
    } catch (error) {
      this.#unwritten(error);
      return;
    }
    this.session.room.holdOff();
  }

  complete(streamId: number): void {
    this.#write(() => this.session.sender.complete(streamId));
  }

  fail(streamId: number, error: TrunklineError, served: ServedOperation): void {
    let told = error;
    let text: string;
    try {
      text = encodeFailure(error);
    } catch (exception) {
      told = served.incident(exception);
      text = encodeFailure(told);
    }
    this.#fail(streamId, told, text);
  }

  #fail(streamId: number, error: TrunklineError, text: string): void {
    this.#write(() => this.session.sender.error(streamId, errorCodeOf(error), text));
  }

  #write(write: () => void): void {
    if (!this.session.open) return;
    try {
      write();
    } catch (error) {
      this.#unwritten(error);
      return;
    }
    this.session.room.holdOff();
  }

  #unwritten(error: unknown): void {
    this.session.destroy(error instanceof Error ? error.message : String(error));
  }

  /** A handler has settled. */
  settled(incoming: Incoming, answered: boolean): void {
    this.inFlight--;
    this.#home.ended(this.session, incoming, answered);
  }
}
