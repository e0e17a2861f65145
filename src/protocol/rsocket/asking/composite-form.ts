import { compositeMetadataMime } from "../../../wire/composite-metadata.ts";
import type { Format } from "../../../codec/format.ts";
import type { Connection } from "../../../transport/transport.ts";
import type { CallerBounds } from "../bounds.ts";
import { encodeCallMetadata } from "../metadata/call-metadata.ts";
import type { FrameSender } from "../frames/frame-sender.ts";
import { sendSetup } from "../metadata/send-setup.ts";
import type { Request } from "./request.ts";
import { misfit, type RequestForm } from "./request-form.ts";

/** For peers that are not Trunkline: nothing is announced, and each request names its route in composite metadata. */
export class CompositeForm implements RequestForm {
  readonly name = "composite";
  readonly #format: Format | undefined;

  /** `format`: what the data is written as; undefined: JSON. The SETUP says it, for nobody answers what they speak. */
  constructor(format: Format | undefined) {
    this.#format = format;
  }

  introduce(connection: Connection, client: CallerBounds): void {
    const dataMime = this.#format?.mediaTypes[0];
    sendSetup(connection, client, compositeMetadataMime, new Uint8Array(), dataMime);
  }

  /** Without a declared head the first payload is the first item: so all RSocket libraries have it. */
  holds(request: Request): boolean {
    return request.operation.headless && request.hold();
  }

  write(sender: FrameSender, streamId: number, request: Request, now: number): void {
    const { operation, attempt, type, credit, payloadOut, fetched } = request;
    let metadata: Buffer;
    try {
      metadata = encodeCallMetadata(operation, attempt, now);
    } catch (cause) {
      throw misfit(cause);
    }
    sender.described(streamId, type, credit, metadata, operation.ordered, fetched ?? payloadOut);
  }
}
