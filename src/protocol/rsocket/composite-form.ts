import { compositeMetadataMime } from "../../wire/composite-metadata.ts";
import type { Connection } from "../../transport/transport.ts";
import type { CallerBounds } from "./bounds.ts";
import { encodeCallMetadata } from "./call-metadata.ts";
import type { FrameSender } from "./frame-sender.ts";
import { sendSetup } from "./send-setup.ts";
import type { Request } from "./request.ts";
import { misfit, type RequestForm } from "./request-form.ts";

/** For peers that are not Trunkline: nothing is announced, and each request names its route in composite metadata. */
export class CompositeForm implements RequestForm {
  readonly name = "composite";

  introduce(connection: Connection, client: CallerBounds): void {
    sendSetup(connection, client, compositeMetadataMime, new Uint8Array());
  }

  write(sender: FrameSender, streamId: number, request: Request, now: number): void {
    const { operation, attempt, type, credit, payloadOut } = request;
    let metadata: Buffer;
    try {
      metadata = encodeCallMetadata(operation, attempt, now);
    } catch (cause) {
      throw misfit(cause);
    }
    sender.described(streamId, type, credit, metadata, operation.ordered, payloadOut);
  }
}
