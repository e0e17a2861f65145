import type { PeerCertificate } from "../base/peer.ts";
import type { User } from "../broker/embedded/access/users.ts";
import type { VirtualHost } from "../broker/embedded/virtual-host.ts";
import type { ByteReader } from "../wire/amqp091/byte-reader.ts";
import { frameBytesMin } from "../wire/amqp091/limits.ts";
import { methodName, readFields, type Fields, type MethodName } from "../wire/amqp091/method.ts";
import type { Table } from "../wire/amqp091/table.ts";
import { clientCapabilities, serverProperties, type ClientCapabilities } from "./about.ts";
import type { Bounds } from "./bounds.ts";
import { Fault } from "./fault.ts";
import { credentialsOf, mechanismsFor, type Credentials } from "./sasl.ts";

/** What both sides have agreed on. */
export interface Agreed {
  readonly user: User;
  readonly host: VirtualHost;
  readonly client: ClientCapabilities;
  readonly clientProperties: Table;
  readonly channelsMax: number;
  /** 0: any. */
  readonly frameBytesMax: number;
  /** 0: none. */
  readonly heartbeatSeconds: number;
}

/** What the handshake asks of the connection. */
export interface HandshakeKeeper {
  readonly bounds: Bounds;
  readonly certificate: PeerCertificate | undefined;
  send<Name extends MethodName>(name: Name, fields: Fields<Name>): void;
  /** @throws Refusal when it is not who it says. */
  authenticate(credentials: Credentials): Promise<User>;
  /** @throws Refusal, or Fault, when the user may not in. */
  enter(user: User, virtualHost: string): VirtualHost;
  /** What is read waits until `work` is done. */
  hold(work: Promise<unknown>): void;
  /** The tuning that was agreed on takes hold. */
  tuned(frameBytesMax: number, heartbeatSeconds: number): void;
  agree(agreed: Agreed): void;
}

type Step = "start-ok" | "tune-ok" | "open";

/** Brings a connection from the protocol header to where channels can be opened. */
export class Handshake {
  client: ClientCapabilities | undefined;
  readonly #of: HandshakeKeeper;
  #step: Step = "start-ok";
  #clientProperties: Table = {};
  #user: User | undefined;
  #tuned = { channelsMax: 0, frameBytesMax: 0, heartbeatSeconds: 0 };

  constructor(of: HandshakeKeeper) {
    this.#of = of;
    of.send("connection.start", {
      versionMajor: 0,
      versionMinor: 9,
      serverProperties,
      mechanisms: Buffer.from(mechanismsFor(of.certificate)),
      locales: Buffer.from("en_US"),
    });
  }

  /** Takes the method that the client has sent. @throws Fault */
  take(id: number, reader: ByteReader): void {
    const name = methodName(id);
    if (name !== `connection.${this.#step}`)
      throw new Fault(
        "COMMAND_INVALID",
        `expected 'connection.${this.#step}', got ${name === undefined ? "a method that nobody knows" : `'${name}'`}`,
      );
    if (name === "connection.start-ok") this.#start(readFields(reader, name));
    else if (name === "connection.tune-ok") this.#tune(readFields(reader, name));
    else if (name === "connection.open") this.#open(readFields(reader, name));
  }

  #start({ mechanism, response, clientProperties }: Fields<"connection.start-ok">): void {
    this.client = clientCapabilities(clientProperties);
    this.#clientProperties = clientProperties;
    const { certificate } = this.#of;
    if (!mechanismsFor(certificate).split(" ").includes(mechanism))
      throw new Fault("NOT_ALLOWED", `unknown authentication mechanism '${mechanism}'`);
    const credentials = credentialsOf(mechanism, response, certificate);
    if (credentials === undefined)
      throw new Fault("SYNTAX_ERROR", `a malformed ${mechanism} response`);
    this.#of.hold(this.#authenticate(credentials, mechanism));
  }

  async #authenticate(credentials: Credentials, mechanism: string): Promise<void> {
    const { channelsMax, frameBytesMax, heartbeatSeconds } = this.#of.bounds;
    this.#user = await this.#of.authenticate(credentials).catch(() => {
      // Why is for the log: a stranger is not told whether there is such a user.
      throw new Fault(
        "ACCESS_REFUSED",
        `Login was refused using authentication mechanism ${mechanism}. For details see the broker logfile.`,
      );
    });
    this.#step = "tune-ok";
    this.#of.send("connection.tune", {
      channelMax: channelsMax,
      frameMax: frameBytesMax,
      heartbeat: heartbeatSeconds,
    });
  }

  #tune({ channelMax, frameMax, heartbeat }: Fields<"connection.tune-ok">): void {
    const { channelsMax, frameBytesMax } = this.#of.bounds;
    if (channelMax > channelsMax) throw tooHigh("channel_max", channelMax, channelsMax);
    if (frameMax !== 0 && frameMax < frameBytesMin)
      throw new Fault(
        "NOT_ALLOWED",
        `negotiated frame_max = ${frameMax} is lower than the minimum allowed value (${frameBytesMin})`,
      );
    if (frameMax > frameBytesMax) throw tooHigh("frame_max", frameMax, frameBytesMax);
    this.#tuned = {
      channelsMax: channelMax === 0 ? channelsMax : channelMax,
      frameBytesMax: frameMax === 0 ? frameBytesMax : frameMax,
      heartbeatSeconds: heartbeat,
    };
    this.#of.tuned(this.#tuned.frameBytesMax, heartbeat);
    this.#step = "open";
  }

  #open({ virtualHost }: Fields<"connection.open">): void {
    const user = this.#user!;
    const host = this.#of.enter(user, virtualHost);
    const clientProperties = this.#clientProperties;
    this.#of.send("connection.open-ok", { knownHosts: "" });
    this.#of.agree({ user, host, client: this.client!, clientProperties, ...this.#tuned });
  }
}

function tooHigh(what: string, asked: number, most: number): Fault {
  return new Fault(
    "NOT_ALLOWED",
    `negotiated ${what} = ${asked} is higher than the maximum allowed value (${most})`,
  );
}
