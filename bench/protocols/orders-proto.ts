import { createFileRegistry, fromBinary, type DescService } from "@bufbuild/protobuf";
import { FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import protobufjs from "protobufjs";
import descriptor from "protobufjs/ext/descriptor.js";

/** The orders of the bench, as users of Protobuf would write them. */
const source = `
syntax = "proto3";
package bench.v1;

message Order { string id = 1; int32 quantity = 2; string note = 3; }
message Many { int64 count = 1; }
message Block { bytes data = 1; }

service Orders {
  rpc Place (Order) returns (Order);
  rpc Watch (Many) returns (stream Order);
  rpc Echo (Block) returns (Block);
}
`;

const { root } = protobufjs.parse(source);

/** Types of protobufjs, which is what users of grpc-js have. */
export const Order: protobufjs.Type = root.lookupType("bench.v1.Order");
export const Many: protobufjs.Type = root.lookupType("bench.v1.Many");
export const Block: protobufjs.Type = root.lookupType("bench.v1.Block");

/** The service for Protobuf-ES, which is what users of Connect have. */
export const Orders: DescService = serviceOf();

function serviceOf(): DescService {
  root.resolveAll();
  const { toDescriptor } = root as unknown as {
    toDescriptor(this: protobufjs.Root, syntax: string): protobufjs.Message;
  };
  const bytes = descriptor.FileDescriptorSet.encode(toDescriptor.call(root, "proto3")).finish();
  const registry = createFileRegistry(fromBinary(FileDescriptorSetSchema, bytes));
  return registry.getService("bench.v1.Orders")!;
}
