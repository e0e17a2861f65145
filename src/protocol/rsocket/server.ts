import { alarmAt } from "../../base/alarm.ts";
import type { Env } from "../../base/env.ts";
import { codecNames, formatOf } from "../../codec/codecs.ts";
import type { Address } from "../../transport/address.ts";
import type { CloseReason, Connection, Listener, Transport } from "../../transport/transport.ts";
import { compositeMetadataMime } from "../../wire/composite-metadata.ts";
import { ErrorCode } from "../../wire/error-code.ts";
import { FrameType } from "../../wire/frame-type.ts";
import type { FrameView } from "../../wire/frame-view.ts";
import { routingMime } from "../../wire/routing.ts";
import { readSetup, type Setup } from "../../wire/setup.ts";
import { offerCallback } from "../callback.ts";
import type { Incoming } from "../incoming.ts";
import type { Dispatcher, ServeOptions, Server } from "../protocol.ts";
import { ConnectionLimit } from "../connection-limit.ts";
import { encodeFailure } from "./metadata/failure.ts";
import { frameBytesMaxOf, serverBounds, type ServerBounds } from "./bounds.ts";
import { readSetupHeaders } from "./metadata/call-metadata.ts";
import { CompositeForm } from "./asking/composite-form.ts";
import { metadataMimeType, noHeaders } from "./metadata/metadata.ts";
import { PeerCaller } from "./peer-caller.ts";
import { Responder, type ResponderHome } from "./answering/responder.ts";
import { RoutedResponder, type RoutedForm } from "./answering/routed-responder.ts";
import { stayedOf, tellConnection, tellMoves, waysOf } from "./movements.ts";
import { Session, type SessionOwner } from "./session.ts";
import { readIntroduction, readPush, wireVersion, type Hello } from "./metadata/setup.ts";
import { UnderWay } from "./answering/under-way.ts";

/** A peer may ask for keep-alive within these bounds, in milliseconds; what is outside is moved to the bound. */
const keepaliveMsMin = 100;
const lifetimeMsMax = 600_000;

const metadataMimes: ReadonlySet<string> = new Set([
  metadataMimeType,
  compositeMetadataMime,
  routingMime,
]);

/** Accepts sessions and answers them with what the dispatcher finds. */
export class RsocketServer implements Server, SessionOwner, ResponderHome {
  readonly deserted: Promise<void>;
  #listener!: Listener;
  readonly #dispatcher: Dispatcher;
  readonly #desert: () => void;
  /** There is one connection, ever. */
  readonly #single: boolean;
  readonly #bounds: ServerBounds;
  readonly #transport: string;
  readonly #limit: ConnectionLimit;
  readonly #frameBytesMax: number;
  readonly #env: Env;
  readonly #sessions = new Set<Session>();
  /** Those of them that were let in. */
  readonly #served = new WeakSet<Session>();
  readonly #underWay = new UnderWay();
  #left: Promise<void> | undefined;
  /** Nobody can dial any more, and whoever has is sent away. */
  #away = false;
  #drained: (() => void) | undefined;
  #cutting = false;
  #cut = 0;

  static async listen(
    transport: Transport,
    address: Address,
    dispatcher: Dispatcher,
    options: ServeOptions,
    env: Env,
  ): Promise<RsocketServer> {
    const bounds = serverBounds(options, env);
    const limit = new ConnectionLimit(options.connectionsMax, env);
    const server = new RsocketServer(transport, dispatcher, bounds, limit, env);
    server.#listener = await transport.listen(
      address,
      (connection) => server.#accept(connection),
      {
        frameBytesMax: server.#frameBytesMax,
        connectionsMax: server.#limit.acceptedMax,
      },
      env,
    );
    return server;
  }

  private constructor(
    { name, capabilities }: Transport,
    dispatcher: Dispatcher,
    bounds: ServerBounds,
    limit: ConnectionLimit,
    env: Env,
  ) {
    this.#limit = limit;
    this.#transport = name;
    this.#dispatcher = dispatcher;
    this.#bounds = bounds;
    this.#frameBytesMax = frameBytesMaxOf(bounds.itemBytesMax, capabilities.frameBytesMax);
    this.#single = capabilities.connections === "one";
    this.#env = env;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.deserted = promise;
    this.#desert = resolve;
  }

  /** How many requests could be begun now. */
  readonly #room = (): number =>
    this.#away ? 0 : (this.#bounds.room?.() ?? this.#bounds.inFlightMax - this.inFlight);

  get address(): Address {
    return this.#listener.address;
  }

  get inFlight(): number {
    return this.#underWay.count;
  }

  get connections(): number {
    return this.#sessions.size;
  }

  get ways(): Readonly<Record<string, number>> {
    return waysOf(this.#sessions, this.#transport);
  }

  get stayed(): number {
    return stayedOf(this.#sessions);
  }

  #accept(connection: Connection): void {
    if (this.#cutting) {
      connection.destroy("the server is shutting down");
      return;
    }
    const { setupMs, itemBytesMax, outstandingMax } = this.#bounds;
    const session = new Session(
      connection,
      this,
      {
        role: "server",
        outstandingMax,
        itemBytesMax,
        frameBytesMax: this.#frameBytesMax,
        keepaliveMs: setupMs,
        lifetimeMs: setupMs,
      },
      this.#env,
    );
    this.#sessions.add(session);
    tellMoves(connection, "server", connection.peer.address);
    session.start();
    this.#publish(session, "open");
  }

  // ---- SessionOwner -------------------------------------------------------------------------------------------------

  introduced(session: Session, memory: Buffer, view: FrameView): void {
    if (view.type === FrameType.RESUME) {
      session.violation("resumption is not supported", ErrorCode.REJECTED_RESUME);
      return;
    }
    const setup = readSetup(memory, view);
    if (typeof setup === "string") {
      session.violation(setup, ErrorCode.INVALID_SETUP);
      return;
    }
    if (setup.resumeToken !== undefined) {
      session.violation("resumption is not supported", ErrorCode.REJECTED_SETUP);
      return;
    }
    const refusal = unsupported(setup);
    if (refusal !== undefined) {
      session.violation(refusal, ErrorCode.UNSUPPORTED_SETUP);
      return;
    }
    const full = this.#limit.enter();
    if (full !== undefined) {
      session.violation(encodeFailure(full), ErrorCode.REJECTED_SETUP);
      return;
    }
    this.#served.add(session);
    const mime = setup.metadataMime.toLowerCase();
    const refused =
      mime === metadataMimeType
        ? this.#meet(session, setup)
        : this.#meetForeign(session, mime === routingMime ? "routing" : "composite", setup);
    if (refused !== undefined) {
      session.violation(refused, ErrorCode.INVALID_SETUP);
      return;
    }
    const lifetimeMs = Math.min(lifetimeMsMax, Math.max(keepaliveMsMin, setup.lifetimeMs));
    session.watch(Math.min(lifetimeMs, Math.max(keepaliveMsMin, setup.keepaliveMs)), lifetimeMs);
    if (mime === metadataMimeType) this.#greet(session); // others would not know what to make of it
    if (setup.lease) session.giveLeases(this.#room);
    if (this.#away) this.#sendAway(session);
  }

  /** A peer that speaks as we do; returns why it is refused. */
  #meet(session: Session, setup: Setup): string | undefined {
    const introduction = readIntroduction(Buffer.from(setup.data).toString("utf8"));
    if (introduction === undefined) return "the SETUP's data is not an introduction";
    const { inFlightMax, formats, bootId } = this.#bounds;
    const itemBytesMax = Math.min(this.#bounds.itemBytesMax, introduction.itemBytesMax);
    const options = { inFlightMax, itemBytesMax, formats, bootId };
    const responder = new Responder(session, this.#dispatcher, options, this);
    session.responder = responder;
    session.format = formats.find(({ name }) => introduction.codecs.includes(name));
    session.itemBytesMax = introduction.itemBytesMax;
    session.knowClock(introduction.clock);
    this.#offerCallback(session);
    return responder.announce(introduction.contracts) ? undefined : "too many operations";
  }

  /** A peer that asks by route. Of its data's type it may say a format; whatever it says of itself is of no concern here. */
  #meetForeign(
    session: Session,
    form: RoutedForm,
    { metadata, dataMime }: Setup,
  ): string | undefined {
    const headers =
      form === "composite" && metadata !== undefined ? readSetupHeaders(metadata) : noHeaders;
    if (typeof headers === "string") return headers;
    const format = formatOf(dataMime, this.#bounds.formats);
    session.responder = new RoutedResponder(
      session,
      this.#dispatcher,
      this.#bounds,
      this,
      form,
      headers,
      format,
    );
    session.format = format;
    if (form === "composite") {
      session.form = new CompositeForm(format);
      this.#offerCallback(session);
    }
    return undefined;
  }

  began(incoming: Incoming, answered: boolean): void {
    this.#underWay.began(incoming, answered);
  }

  ended(session: Session, incoming: Incoming, answered: boolean): void {
    this.#underWay.ended(incoming, answered);
    this.settled(session);
  }

  /** Handlers may call who calls them. */
  #offerCallback(session: Session): void {
    let caller: PeerCaller | undefined;
    offerCallback(session.connection.peer, () => {
      return (caller ??= new PeerCaller(session, this.#bounds.itemBytesMax));
    });
  }

  /** Says who serves, for whoever wants to know; nobody waits for it. */
  #greet(session: Session): void {
    const { instance, bootId, itemBytesMax, formats } = this.#bounds;
    const codecs = codecNames(formats);
    const clock = this.#env.hostClock?.id;
    const moves = session.connection.moves?.offer;
    const hello: Hello = {
      instance,
      bootId,
      wire: wireVersion,
      codecs,
      itemBytesMax,
      ...(clock === undefined ? {} : { clock }),
      ...(moves === undefined ? {} : { moves }),
    };
    session.tell(JSON.stringify(hello));
  }

  pushed(session: Session, text: string): void {
    const announced = session.responder?.announce(readPush(text).contracts) ?? true;
    if (!announced) session.violation("too many operations");
  }

  refused(): boolean {
    return false; // only clients send a SETUP that can be refused
  }

  watched(): void {} // only who dials can dial another connection first

  draining(): void {} // a client that closes its side in order: nothing to do before it does

  settled(session: Session): void {
    if (session.peerEnded && session.quiet) session.finish();
    this.#checkDrained();
  }

  closed(session: Session, reason: CloseReason): void {
    this.#sessions.delete(session);
    if (this.#served.delete(session)) this.#limit.left();
    this.#publish(session, "closed", reason.message);
    if (this.#single) this.#desert();
    this.#checkDrained();
  }

  #checkDrained(): void {
    if (this.#empty) this.#drained?.();
  }

  get #empty(): boolean {
    return this.#sessions.size === 0 && this.inFlight === 0;
  }

  #publish(session: Session, state: "open" | "draining" | "closed", reason?: string): void {
    const { connection } = session;
    tellConnection(connection, "server", connection.peer.address, { state, reason });
  }

  // ---- closing ------------------------------------------------------------------------------------------------------

  /** Called again it only changes the time that is left: a second `drain(0)` cuts at once. */
  async drain(withinMs: number): Promise<number> {
    this.#left ??= this.#leave();
    const budget = alarmAt(this.#env, this.#env.now() + withinMs, () => this.#cutAll());
    await this.#left;
    this.#env.clear(budget);
    return this.#cut;
  }

  async #leave(): Promise<void> {
    // Whom we send away dials again at once: by then nobody may find us at the address any more.
    await this.#listener.close();
    this.#away = true;
    for (const session of [...this.#sessions])
      if (session.responder !== undefined) this.#sendAway(session);
    if (this.#cutting || this.#empty) return;
    await new Promise<void>((resolve) => (this.#drained = resolve));
  }

  /** One that has not introduced itself yet is sent away when it does: it may have sent requests along. */
  #sendAway(session: Session): void {
    this.#publish(session, "draining");
    session.leave("the server is shutting down");
  }

  #cutAll(): void {
    this.#cutting = true;
    this.#cut = this.inFlight;
    for (const session of [...this.#sessions])
      session.destroy("the server's time to shut down was over");
    this.#underWay.stop();
    this.#drained?.(); // a handler that does not heed its signal must not keep us
  }
}

function unsupported({ majorVersion, metadataMime }: Setup): string | undefined {
  if (majorVersion !== 1) return `RSocket ${majorVersion}.x is not supported, 1.0 is`;
  if (metadataMimes.has(metadataMime.toLowerCase())) return undefined;
  return `metadata of type ${metadataMime} is not supported, ${[...metadataMimes].join(", ")} are`;
}
