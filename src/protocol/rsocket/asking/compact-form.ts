import { systemError } from "../../../base/error.ts";
import { codecNames } from "../../../codec/codecs.ts";
import type { ContractName, Operation } from "../../operation.ts";
import type { Connection } from "../../../transport/transport.ts";
import type { CallerBounds } from "../bounds.ts";
import type { FrameSender } from "../frames/frame-sender.ts";
import { sendSetup } from "../metadata/send-setup.ts";
import { encodeExtensions, metadataMimeType } from "../metadata/metadata.ts";
import type { Request } from "./request.ts";
import { misfit, type RequestForm } from "./request-form.ts";
import {
  encodeContracts,
  encodeIntroduction,
  operationsMax,
  wireVersion,
} from "../metadata/setup.ts";

/** Trunkline's own: contracts are announced once, and each request has 33 bytes with the number of its operation. */
export class CompactForm implements RequestForm {
  readonly name = "compact";
  /** Index on the wire by the operation's slot. */
  readonly #indexes: (number | undefined)[] = [];
  #indexNext = 0;

  /** Who we are and which contracts we are about to use. */
  introduce(connection: Connection, client: CallerBounds, operations: readonly Operation[]): void {
    const contracts = new Set<ContractName>();
    for (const { owner, siblings } of operations) {
      // What cannot be numbered is refused when it is sent.
      if (contracts.has(owner) || this.#indexNext + siblings.length > operationsMax) continue;
      contracts.add(owner);
      this.#number(siblings);
    }
    const introduction = {
      wire: wireVersion,
      codecs: codecNames(client.format === undefined ? [] : [client.format]),
      instance: client.instance,
      itemBytesMax: client.itemBytesMax,
      ...(client.clock === undefined ? {} : { clock: client.clock }),
      contracts: [...contracts],
    };
    sendSetup(connection, client, metadataMimeType, Buffer.from(encodeIntroduction(introduction)));
  }

  holds(): boolean {
    return false;
  }

  write(sender: FrameSender, streamId: number, request: Request, now: number): void {
    const { operation, attempt } = request;
    const index = this.#indexes[operation.slot] ?? this.#announce(sender, operation);
    let extensions: Buffer | undefined;
    try {
      extensions = encodeExtensions(attempt, now, sender.clockOffsetMs);
    } catch (cause) {
      throw misfit(cause);
    }
    sender.request(
      streamId,
      request.type,
      request.credit,
      index,
      request.codecId,
      operation.ordered,
      attempt,
      extensions,
      now,
      request.payloadOut,
    );
  }

  /** Numbers the operations of a contract; the peer is told of the contracts in the same order. */
  #number(operations: readonly Operation[]): void {
    for (const operation of operations) this.#indexes[operation.slot] = this.#indexNext++;
  }

  /** A contract joins the open connection. */
  #announce(sender: FrameSender, operation: Operation): number {
    const { owner, siblings } = operation;
    if (this.#indexNext + siblings.length > operationsMax) {
      throw systemError(
        "RESOURCE_EXHAUSTED",
        `a connection numbers at most ${operationsMax} operations`,
        { executed: "no" },
      );
    }
    sender.metadataPush(encodeContracts([owner]));
    this.#number(siblings);
    return this.#indexes[operation.slot]!;
  }
}
