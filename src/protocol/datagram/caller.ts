import { atMost } from "../../base/alarm.ts";
import type { Env } from "../../base/env.ts";
import { systemError, type SystemError } from "../../base/error.ts";
import type { Address } from "../../transport/address.ts";
import type { Datagrams, DatagramSender } from "../../transport/transport.ts";
import type { Attempt } from "../attempt.ts";
import type { Operation } from "../operation.ts";
import type { Caller, CallerState, ConnectOptions } from "../protocol.ts";
import { notCarried, type DatagramForm, type DatagramWriter } from "./form.ts";

/** Notifications that wait for room to be sent. */
const outstandingMaxDefault = 4_096;

/** Sends notifications to one address, and refuses all else. Nothing is opened before the first. */
export class DatagramCaller implements Caller {
  readonly #datagrams: Datagrams;
  readonly #address: Address;
  readonly #options: ConnectOptions;
  readonly #writer: DatagramWriter;
  readonly #env: Env;
  readonly #under = new Set<Promise<void>>();
  #opening: Promise<DatagramSender> | undefined;
  #sender: DatagramSender | undefined;
  #closing: Promise<void> | undefined;

  constructor(
    datagrams: Datagrams,
    address: Address,
    form: DatagramForm,
    options: ConnectOptions,
    env: Env,
  ) {
    this.#datagrams = datagrams;
    this.#address = address;
    this.#options = options;
    this.#writer = form.writer(address, options, env);
    this.#env = env;
  }

  get endpoint(): string {
    return this.#address.text;
  }

  get state(): CallerState {
    if (this.#closing !== undefined) return "closed";
    if (this.#sender !== undefined) return "ready";
    return this.#opening === undefined ? "idle" : "connecting";
  }

  get waiting(): number {
    return this.#under.size;
  }

  call(operation: Operation): Promise<never> {
    return Promise.reject(this.#refusal(operation));
  }

  stream(operation: Operation): never {
    throw this.#refusal(operation);
  }

  upload(operation: Operation): Promise<never> {
    return Promise.reject(this.#refusal(operation));
  }

  duplex(operation: Operation): never {
    throw this.#refusal(operation);
  }

  /** Resolves when the system has it. */
  async notify(operation: Operation, input: unknown, attempt: Attempt): Promise<void> {
    if (operation.kind !== "notification") throw notCarried(operation, this.#address);
    if (this.#closing !== undefined) throw clientClosed();
    this.#begin(attempt);
    // Written at once: the input is the caller's, who may change it.
    const datagram = this.#writer.write(operation, input, attempt);
    const { promise: given, reject } = Promise.withResolvers<never>();
    const sent = this.#send(datagram, attempt.acceptBy);
    this.#under.add(sent);
    attempt.bind({ cancel: () => reject(givenUp()) });
    try {
      await Promise.race([sent, given]);
    } finally {
      given.catch(() => {});
      void sent.catch(() => {}).finally(() => this.#under.delete(sent));
    }
  }

  close(withinMs: number = 0): Promise<void> {
    return (this.#closing ??= this.#close(withinMs));
  }

  async #close(withinMs: number): Promise<void> {
    if (withinMs > 0 && this.#under.size > 0)
      await atMost(this.#env, withinMs, Promise.allSettled(this.#under));
    await this.#opening?.then(
      (sender) => sender.close(),
      () => {},
    );
  }

  #begin({ cancelled, acceptBy }: Attempt): void {
    if (cancelled !== undefined)
      throw systemError("CANCELLED", "it was given up", { executed: "no" });
    if (acceptBy <= this.#env.now())
      throw systemError("DEADLINE_EXCEEDED", "the deadline was over before it was sent", {
        executed: "no",
      });
    const { outstandingMax = outstandingMaxDefault } = this.#options;
    if (this.#under.size >= outstandingMax)
      throw systemError("RESOURCE_EXHAUSTED", `${outstandingMax} wait to be sent already`, {
        executed: "no",
        gate: "outstanding",
        endpointFault: false,
      });
  }

  async #send(datagram: Uint8Array, until: number): Promise<void> {
    const sender = this.#sender ?? (await this.#opened());
    await sender.send(datagram, until);
  }

  async #opened(): Promise<DatagramSender> {
    const terms = { waitingMax: this.#options.outstandingMax ?? outstandingMaxDefault };
    this.#opening ??= this.#datagrams.sender(this.#address, terms, this.#env);
    try {
      this.#sender = await this.#opening;
      return this.#sender;
    } catch (error) {
      this.#opening = undefined; // who comes next tries again
      throw error;
    }
  }

  #refusal(operation: Operation): SystemError {
    return this.#closing === undefined ? notCarried(operation, this.#address) : clientClosed();
  }
}

function clientClosed(): SystemError {
  return systemError("CANCELLED", "the client is closed", { executed: "no" });
}

/** It stands in line: nobody can say whether it will still be sent. */
function givenUp(): SystemError {
  return systemError("CANCELLED", "it was given up while it waited to be sent", {
    executed: "maybe",
  });
}
