import type { Socket } from "node:net";

import { alarmAt } from "../../base/alarm.ts";
import type { Env } from "../../base/env.ts";
import type { Alarm } from "../../base/timer-wheel.ts";
import { parseAddress } from "../address.ts";
import type { ByteStream } from "../byte-stream.ts";
import type { Line, Mover } from "../mover.ts";
import { shmMoverOf, shmOfferOf } from "../shm/index.ts";
import { SocketStream } from "../socket-stream.ts";
import { reachUnix } from "../unix/dial.ts";
import { expect, type Expected } from "./door.ts";
import { doorProblem } from "./door-folder.ts";
import { localEnds } from "./ends.ts";
import { readOffer, writeOffer, type Offer } from "./offer.ts";
import { isOtherUser } from "./same-user.ts";
import type { SameHostSettings } from "./settings.ts";
import { TwoWays } from "./two-ways.ts";

/** How long who dialled tries to reach the door, in milliseconds. */
const reachMs = 5_000;

/** How long who was dialled expects it: longer than the other side tries. */
const expectMs = 10_000;

type State = "idle" | "expecting" | "entering" | "crossing" | "moved" | "stayed";

/** The way beside the first one: a Unix socket, and whoever moves on from there. */
interface Beside {
  readonly socket: SocketStream;
  readonly stream: ByteStream;
  readonly mover: (Mover & { readonly stream: ByteStream }) | undefined;
}

/**
 * Moves a connection over TCP or TLS, both ends of which are on one host, to a Unix socket, and from there to shared memory:
 *
 *     dialled                                   accepted
 *                                           ←   offer: the connection as it sees it, a path, a token
 *     is it the same host, with nothing between?
 *     connects to the path, says the token  →   whose token is it?
 *                                           ←   word "move": its last by the first way; goes by the Unix socket
 *     word "move": its last by the first way;
 *     goes by the Unix socket               →
 *
 * The token names the connection over which it came: whoever has shown a certificate there is known here too, and `peer` stays what it was.
 * Until the first "move" all may stay as it is, and who dialled sees that by the end of the Unix socket. The first way is closed when both
 * have left it.
 */
export class HostMover implements Mover {
  readonly stream: TwoWays;
  /** The connection as both sides see it. */
  readonly ends: string;
  onMoved: (() => void) | undefined;
  readonly #transport: string;
  readonly #settings: SameHostSettings;
  readonly #dialled: boolean;
  readonly #env: Env;
  #line!: Line;
  #state: State = "idle";
  #expected: Expected | undefined;
  #alarm: Alarm | undefined;
  #beside: Beside | undefined;
  /** Whoever moves on from the Unix socket, once both sides have come there. */
  #next: Mover | undefined;
  /** What the peer's side of that socket can move to. */
  #nextOffer = "";
  #stayed: string | undefined;

  constructor(
    transport: string,
    first: SocketStream,
    ends: string,
    settings: SameHostSettings,
    dialled: boolean,
    env: Env,
  ) {
    this.#transport = transport;
    this.ends = ends;
    this.#settings = settings;
    this.#dialled = dialled;
    this.#env = env;
    this.stream = new TwoWays(first, env);
    first.socket.once("close", () => this.#clear());
  }

  get way(): string {
    if (this.#state !== "moved") return this.#transport;
    return this.#next?.way ?? "unix";
  }

  get moving(): boolean {
    const settled = this.#state === "idle" || this.#state === "moved" || this.#state === "stayed";
    return !settled || (this.#next?.moving ?? false);
  }

  get stayed(): string | undefined {
    return this.#stayed ?? this.#next?.stayed;
  }

  get waits(): boolean {
    return this.#next?.waits ?? false;
  }

  lend(bytes: Uint8Array): string | undefined {
    return this.#next?.lend?.(bytes);
  }

  get owes(): boolean {
    return this.#next?.owes ?? false;
  }

  whole(frame: Buffer): Buffer | undefined {
    return this.#next?.whole?.(frame);
  }

  attach(line: Line): void {
    this.#line = line;
  }

  // ---- who was dialled ----------------------------------------------------------------------------------------------

  get offer(): string | undefined {
    if (this.#dialled || this.#state !== "idle") return undefined;
    const expected = expect((socket) => this.#entered(socket));
    if (expected === undefined) return undefined;
    const { ends } = this;
    const offer = writeOffer({ ...expected, ends, next: shmOfferOf(this.#settings.shm) });
    if (offer === undefined) {
      expected.forget();
      return undefined;
    }
    this.#state = "expecting";
    this.#expected = expected;
    this.#alarm = alarmAt(this.#env, this.#env.now() + expectMs, () => this.#stay("nobody came"));
    return offer;
  }

  #entered(socket: Socket): void {
    const { stream } = this.#come(SocketStream.over(socket, this.#env));
    if (!this.#mayMove()) return;
    if (!this.#say("move")) return this.#stay("this side has ended");
    this.#disarm();
    this.#state = "crossing";
    this.stream.sendBy(stream);
    this.#line.push();
  }

  // ---- who dialled --------------------------------------------------------------------------------------------------

  heard(text: string): void {
    if (!this.#dialled || this.#state !== "idle" || text === "") return;
    const offer = readOffer(text);
    if (offer === undefined) return this.#stay("the peer is on another host or network");
    if (offer.ends !== this.ends) return this.#stay("something stands between the two");
    this.#state = "entering";
    void this.#enter(offer).catch((error: unknown) => this.#stay(String(error)));
  }

  async #enter({ path, token, next }: Offer): Promise<void> {
    const problem = await doorProblem(path);
    if (problem !== undefined) return this.#stay(problem);
    const { started } = await reachUnix(
      parseAddress(`unix:${path}`),
      this.#env.now() + reachMs,
      this.#env,
      (target) => SocketStream.connect(target, this.#env),
    );
    if (this.#state !== "entering") return started.destroy();
    this.#nextOffer = next;
    this.#come(started);
    if (!this.#mayMove()) return;
    started.socket.once("close", () => this.#stay("the peer has not let us in"));
    started.write(token, () => {});
  }

  // ---- both ---------------------------------------------------------------------------------------------------------

  word(word: string): void {
    const beside = this.#beside;
    if (this.#next !== undefined) this.#next.word(word);
    else if (word === "move" && this.#state === "crossing") this.#follow();
    else if (word === "move" && this.#state === "entering" && beside !== undefined) this.#follow();
    else this.#line.close(`the peer said "${word}" when it was not to be said`);
  }

  /** The peer goes by the Unix socket from here on. */
  #follow(): void {
    const { stream, mover } = this.#beside!;
    this.stream.readFrom(stream);
    if (this.#dialled && !this.#say("move")) {
      // It has ended: what it had to say has gone by the first way.
      this.#state = "stayed";
      return;
    }
    if (this.#dialled) {
      this.stream.sendBy(stream);
      this.#line.push();
    }
    this.#state = "moved";
    this.onMoved?.();
    if (mover === undefined) return;
    this.#next = mover;
    mover.onMoved = () => this.onMoved?.();
    mover.attach(this.#line);
    if (this.#dialled) mover.heard(this.#nextOffer);
  }

  #come(stream: SocketStream): Beside {
    const mover = shmMoverOf(this.#settings.shm, stream, this.#dialled, this.#env);
    return (this.#beside = { socket: stream, stream: mover?.stream ?? stream, mover });
  }

  #mayMove(): boolean {
    if (!isOtherUser(this.#beside!.socket)) return true;
    this.#stay("the peer is of another user");
    return false;
  }

  #say(word: string): boolean {
    try {
      this.#line.say(word);
      return true;
    } catch {
      return false; // this side has ended, or far too much waits to be sent
    }
  }

  #stay(reason: string): void {
    if (this.#state !== "expecting" && this.#state !== "entering" && this.#state !== "idle") return;
    this.#clear();
    this.#stayed = reason;
    this.onMoved?.();
  }

  /** Lets go of what a move that has not come about has made. */
  #clear(): void {
    this.#disarm();
    if (this.#state === "crossing" || this.#state === "moved" || this.#state === "stayed") return;
    this.#state = "stayed";
    this.#expected?.forget();
    this.#beside?.socket.destroy();
  }

  #disarm(): void {
    if (this.#alarm !== undefined) this.#env.clear(this.#alarm);
    this.#alarm = undefined;
  }
}

/** Who moves a connection over this socket; undefined where it is not to be, or its other end is not seen to be on this host. */
export function hostMoverOf(
  transport: string,
  settings: SameHostSettings | undefined,
  socket: SocketStream,
  dialled: boolean,
  env: Env,
): HostMover | undefined {
  if (settings === undefined) return undefined;
  const ends = localEnds(socket.socket, dialled);
  return ends === undefined
    ? undefined
    : new HostMover(transport, socket, ends, settings, dialled, env);
}
