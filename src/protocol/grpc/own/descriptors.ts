import { create, createFileRegistry, fromJson, type FileRegistry } from "@bufbuild/protobuf";
import type { JsonObject } from "@bufbuild/protobuf";
import {
  FileDescriptorProtoSchema,
  FileDescriptorSetSchema,
  type FileDescriptorProto,
} from "@bufbuild/protobuf/wkt";

// The .proto files of gRPC's own services, as descriptors: https://github.com/grpc/grpc-proto

type Field = readonly [name: string, number: number, type: string, more?: JsonObject];

const repeated: JsonObject = { label: "LABEL_REPEATED" };

/** A type that is no scalar is a message, or enum, of the file. */
function field(scope: string, [name, number, type, more = {}]: Field): JsonObject {
  const scalar = /^[a-z0-9]+$/.test(type);
  const of: JsonObject = scalar
    ? { type: `TYPE_${type.toUpperCase()}` }
    : {
        type: type.endsWith("Status") ? "TYPE_ENUM" : "TYPE_MESSAGE",
        typeName: `.${scope}.${type}`,
      };
  const jsonName = name.replaceAll(/_(.)/g, (_, next: string) => next.toUpperCase());
  return { name, number, jsonName, label: "LABEL_OPTIONAL", ...of, ...more };
}

function message(
  scope: string,
  name: string,
  fields: readonly Field[],
  more: JsonObject = {},
): JsonObject {
  return { name, field: fields.map((each) => field(scope, each)), ...more };
}

/** grpc/health/v1/health.proto */
export const healthFile: FileDescriptorProto = fromJson(FileDescriptorProtoSchema, {
  name: "grpc/health/v1/health.proto",
  package: "grpc.health.v1",
  syntax: "proto3",
  messageType: [
    message("grpc.health.v1", "HealthCheckRequest", [["service", 1, "string"]]),
    message(
      "grpc.health.v1",
      "HealthCheckResponse",
      [["status", 1, "HealthCheckResponse.ServingStatus"]],
      {
        enumType: [
          {
            name: "ServingStatus",
            value: ["UNKNOWN", "SERVING", "NOT_SERVING", "SERVICE_UNKNOWN"].map((name, number) => ({
              name,
              number,
            })),
          },
        ],
      },
    ),
  ],
  service: [
    {
      name: "Health",
      method: [healthMethod("Check", {}), healthMethod("Watch", { serverStreaming: true })],
    },
  ],
});

function healthMethod(name: string, more: JsonObject): JsonObject {
  return {
    name,
    inputType: ".grpc.health.v1.HealthCheckRequest",
    outputType: ".grpc.health.v1.HealthCheckResponse",
    ...more,
  };
}

/** grpc/reflection/v1/reflection.proto, or that of v1alpha: they differ in their names alone. */
export function reflectionFile(version: "v1" | "v1alpha"): FileDescriptorProto {
  const scope = `grpc.reflection.${version}`;
  const choice: JsonObject = { oneofIndex: 0 };
  return fromJson(FileDescriptorProtoSchema, {
    name: `grpc/reflection/${version}/reflection.proto`,
    package: scope,
    syntax: "proto3",
    messageType: [
      message(
        scope,
        "ServerReflectionRequest",
        [
          ["host", 1, "string"],
          ["file_by_filename", 3, "string", choice],
          ["file_containing_symbol", 4, "string", choice],
          ["file_containing_extension", 5, "ExtensionRequest", choice],
          ["all_extension_numbers_of_type", 6, "string", choice],
          ["list_services", 7, "string", choice],
        ],
        { oneofDecl: [{ name: "message_request" }] },
      ),
      message(scope, "ExtensionRequest", [
        ["containing_type", 1, "string"],
        ["extension_number", 2, "int32"],
      ]),
      message(
        scope,
        "ServerReflectionResponse",
        [
          ["valid_host", 1, "string"],
          ["original_request", 2, "ServerReflectionRequest"],
          ["file_descriptor_response", 4, "FileDescriptorResponse", choice],
          ["all_extension_numbers_response", 5, "ExtensionNumberResponse", choice],
          ["list_services_response", 6, "ListServiceResponse", choice],
          ["error_response", 7, "ErrorResponse", choice],
        ],
        { oneofDecl: [{ name: "message_response" }] },
      ),
      message(scope, "FileDescriptorResponse", [["file_descriptor_proto", 1, "bytes", repeated]]),
      message(scope, "ExtensionNumberResponse", [
        ["base_type_name", 1, "string"],
        ["extension_number", 2, "int32", repeated],
      ]),
      message(scope, "ListServiceResponse", [["service", 1, "ServiceResponse", repeated]]),
      message(scope, "ServiceResponse", [["name", 1, "string"]]),
      message(scope, "ErrorResponse", [
        ["error_code", 1, "int32"],
        ["error_message", 2, "string"],
      ]),
    ],
    service: [
      {
        name: "ServerReflection",
        method: [
          {
            name: "ServerReflectionInfo",
            inputType: `.${scope}.ServerReflectionRequest`,
            outputType: `.${scope}.ServerReflectionResponse`,
            clientStreaming: true,
            serverStreaming: true,
          },
        ],
      },
    ],
  });
}

export function registryOf(file: FileDescriptorProto): FileRegistry {
  return createFileRegistry(create(FileDescriptorSetSchema, { file: [file] }));
}
