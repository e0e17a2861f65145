import type { Env } from "../../base/env.ts";
import { systemError, type SystemError } from "../../base/error.ts";
import type { Peer } from "../../base/peer.ts";
import type { Address } from "../../transport/address.ts";
import { carriesNumber } from "../../transport/signal/which.ts";
import { Incoming } from "../incoming.ts";
import type { Operation } from "../operation.ts";
import type { Dispatcher, ServedOperation } from "../protocol.ts";
import type { DatagramForm, DatagramReader, DatagramWriter, Notice } from "../datagram/form.ts";

/** A signal as a datagram: nothing, or four bytes with a sign. */
export const numbers: DatagramForm = {
  name: "signal",
  writer: (address): DatagramWriter => new NumberWriter(address),
  reader: (address, dispatcher, _options, env): DatagramReader =>
    new NumberReader(operationAt(address, dispatcher), env),
};

class NumberWriter implements DatagramWriter {
  readonly #address: Address;
  readonly #carries: boolean;

  constructor(address: Address) {
    this.#address = address;
    this.#carries = carriesNumber(address);
  }

  write(operation: Operation, input: unknown): Uint8Array {
    const named = this.#address.parameters?.["operation"];
    if (named !== undefined && named !== operation.name)
      throw this.#refusal("UNIMPLEMENTED", `it stands for ${named}, not for ${operation.name}`);
    if (!this.#carries && input === undefined) return Buffer.alloc(0);
    if (!this.#carries)
      throw this.#refusal("INVALID_ARGUMENT", "this signal carries nothing, and there is an input");
    const value = input === undefined ? 0 : input;
    if (typeof value !== "number" || value !== (value | 0))
      throw this.#refusal(
        "INVALID_ARGUMENT",
        "a signal carries a whole number of 32 bits, or nothing",
      );
    const bytes = Buffer.alloc(4);
    bytes.writeInt32BE(value, 0);
    return bytes;
  }

  #refusal(code: "UNIMPLEMENTED" | "INVALID_ARGUMENT", reason: string): SystemError {
    return systemError(code, reason, {
      executed: "no",
      endpoint: this.#address.text,
      advice:
        "a real-time signal, ?signal=SIGRTMIN+3, carries a number; unixgram: carries anything",
    });
  }
}

/** The one notification that a signal stands for. */
function operationAt(address: Address, dispatcher: Dispatcher): ServedOperation {
  const named = address.parameters?.["operation"];
  const found = dispatcher
    .list()
    .filter(({ operation: { kind, name } }) => kind === "notification" && (named ?? name) === name);
  if (found.length === 1) return found[0]!;
  const reason =
    found.length === 0
      ? `no notification ${named ?? ""} is served`
      : `it may stand for each of ${found.map(({ operation }) => operation.name).join(", ")}`;
  throw systemError("INVALID_ARGUMENT", reason, {
    executed: "no",
    endpoint: address.text,
    advice: "say which in the address: signal:self?operation=control.reload&signal=SIGUSR2",
  });
}

class NumberReader implements DatagramReader {
  readonly #served: ServedOperation;
  readonly #env: Env;

  constructor(served: ServedOperation, env: Env) {
    this.#served = served;
    this.#env = env;
  }

  read(memory: Buffer, from: number, to: number, peer: Peer): Notice {
    const { name, declared } = this.#served.operation;
    const value =
      to - from === 4 && declared.in !== undefined ? memory.readInt32BE(from) : undefined;
    const now = this.#env.now();
    return {
      name,
      served: this.#served,
      sender: undefined,
      number: 0,
      incoming: new Incoming(peer, Infinity, Infinity, undefined, undefined, {}, now),
      input: () => value,
    };
  }
}
