import { compositeMetadataMime } from "../../../wire/composite-metadata.ts";
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

  introduce(connection: Connection, client: CallerBounds): void {
    sendSetup(connection, client, compositeMetadataMime, new Uint8Array());
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
