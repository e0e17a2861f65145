import { create } from "@bufbuild/protobuf";
import {
  DescriptorProtoSchema,
  EnumDescriptorProtoSchema,
  FieldDescriptorProto_Label as Label,
  FieldDescriptorProto_Type as Type,
  FieldDescriptorProtoSchema,
  FileDescriptorProtoSchema,
  MethodDescriptorProtoSchema,
  MethodOptions_IdempotencyLevel as Idempotency,
  ServiceDescriptorProtoSchema,
  type DescriptorProto,
  type EnumDescriptorProto,
  type FieldDescriptorProto,
  type FileDescriptorProto,
} from "@bufbuild/protobuf/wkt";
import type { FieldModel, FieldType, MessageModel, ProtoModel, Scalar } from "./model.ts";
import { jsonNameOfField, syntheticOneof, wellKnownFile } from "./fields.ts";
import { pascal } from "./names.ts";

/** A method as the file tells it. */
export interface MethodModel {
  readonly name: string;
  readonly input: MessageModel;
  readonly output: MessageModel;
  readonly clientStreaming: boolean;
  readonly serverStreaming: boolean;
  /** Doing it twice is as doing it once. */
  readonly idempotent: boolean;
  readonly comment?: string;
}

export interface ServiceModel {
  /** Without the package. */
  readonly name: string;
  readonly methods: readonly MethodModel[];
}

/** The path under which others import the file: `orders/v1/orders.proto`. */
export function filePath(packageName: string, name: string): string {
  return `${packageName.replaceAll(".", "/")}/${name}.proto`;
}

/** The file as Protobuf's own descriptor, which reflection and other people's libraries read. */
export function descriptorOf(
  model: ProtoModel,
  service: ServiceModel,
  path: string,
): FileDescriptorProto {
  return create(FileDescriptorProtoSchema, {
    name: path,
    package: model.package,
    syntax: "proto3",
    dependency: importsOf(model),
    messageType: model.messages.map((message) => messageOf(message, model.package)),
    enumType: model.enums.map(({ name, values, reserved = [] }): EnumDescriptorProto =>
      create(EnumDescriptorProtoSchema, {
        name,
        value: values.map((value) => ({ name: value.name, number: value.number })),
        reservedName: reserved.map((each) => each.name),
        reservedRange: reserved.map(({ number }) => ({ start: number, end: number })),
      }),
    ),
    service: [serviceOf(service, model.package)],
  });
}

/** The files of Google's that the messages need. */
export function importsOf({ messages }: ProtoModel): string[] {
  const files = messages.flatMap(({ fields }) =>
    fields.flatMap(({ type }) =>
      type.kind === "well-known" ? (wellKnownFile(type.name) ?? []) : [],
    ),
  );
  return [...new Set(files)].toSorted();
}

function serviceOf({ name, methods }: ServiceModel, packageName: string) {
  return create(ServiceDescriptorProtoSchema, {
    name,
    method: methods.map((method) =>
      create(MethodDescriptorProtoSchema, {
        name: method.name,
        inputType: `.${packageName}.${method.input.name}`,
        outputType: `.${packageName}.${method.output.name}`,
        ...(method.clientStreaming ? { clientStreaming: true } : {}),
        ...(method.serverStreaming ? { serverStreaming: true } : {}),
        ...(method.idempotent ? { options: { idempotencyLevel: Idempotency.IDEMPOTENT } } : {}),
      }),
    ),
  });
}

function messageOf(message: MessageModel, packageName: string): DescriptorProto {
  const { name, fields, reserved = [] } = message;
  const real = [...new Set(fields.flatMap(({ oneof }) => oneof ?? []))];
  const synthetic = fields.filter((field) => syntheticOneof(field) !== undefined);
  const oneofs = [...real, ...synthetic.map((field) => syntheticOneof(field)!)];
  return create(DescriptorProtoSchema, {
    name,
    field: fields.map((field) => fieldOf(field, message, oneofs, packageName)),
    oneofDecl: oneofs.map((each) => ({ name: each })),
    nestedType: fields
      .filter(({ rule }) => rule === "map")
      .map((field) => mapEntryOf(field, packageName)),
    reservedName: reserved.map((each) => each.name),
    reservedRange: reserved.map(({ number }) => ({ start: number, end: number + 1 })),
  });
}

function fieldOf(
  field: FieldModel,
  message: MessageModel,
  oneofs: readonly string[],
  packageName: string,
): FieldDescriptorProto {
  const { name, number, rule, oneof } = field;
  const synthetic = syntheticOneof(field);
  const own = oneof ?? synthetic;
  const type =
    rule === "map"
      ? { type: Type.MESSAGE, typeName: `.${packageName}.${message.name}.${entryName(field)}` }
      : typeOf(field.type, packageName);
  return create(FieldDescriptorProtoSchema, {
    name,
    number,
    jsonName: jsonNameOfField(field),
    label: rule === "repeated" || rule === "map" ? Label.REPEATED : Label.OPTIONAL,
    ...type,
    ...(own === undefined ? {} : { oneofIndex: oneofs.indexOf(own) }),
    ...(synthetic === undefined ? {} : { proto3Optional: true }),
  });
}

function entryName({ name }: FieldModel): string {
  return `${pascal(name)}Entry`;
}

function mapEntryOf(field: FieldModel, packageName: string): DescriptorProto {
  const label = Label.OPTIONAL;
  const { mapKey = "string" } = field;
  return create(DescriptorProtoSchema, {
    name: entryName(field),
    field: [
      { name: "key", jsonName: "key", number: 1, label, type: scalarTypes[mapKey] },
      { name: "value", jsonName: "value", number: 2, label, ...typeOf(field.type, packageName) },
    ],
    options: { mapEntry: true },
  });
}

function typeOf(
  type: FieldType,
  packageName: string,
): { readonly type: Type; readonly typeName?: string } {
  switch (type.kind) {
    case "scalar":
      return { type: scalarTypes[type.scalar] };
    case "enum":
      return { type: Type.ENUM, typeName: `.${packageName}.${type.enum.name}` };
    case "message":
      return { type: Type.MESSAGE, typeName: `.${packageName}.${type.message.name}` };
    case "well-known":
      return {
        type: type.name === "NullValue" ? Type.ENUM : Type.MESSAGE,
        typeName: `.google.protobuf.${type.name}`,
      };
  }
}

/** As descriptors number the types of scalars. */
export const scalarTypes: Readonly<Record<Scalar, Type>> = {
  double: Type.DOUBLE,
  float: Type.FLOAT,
  int64: Type.INT64,
  uint64: Type.UINT64,
  int32: Type.INT32,
  fixed64: Type.FIXED64,
  fixed32: Type.FIXED32,
  bool: Type.BOOL,
  string: Type.STRING,
  bytes: Type.BYTES,
  uint32: Type.UINT32,
  sfixed32: Type.SFIXED32,
  sfixed64: Type.SFIXED64,
  sint32: Type.SINT32,
  sint64: Type.SINT64,
};
