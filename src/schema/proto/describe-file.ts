import { create } from "@bufbuild/protobuf";
import {
  DescriptorProtoSchema,
  EnumDescriptorProtoSchema,
  FieldDescriptorProto_Label as Label,
  FieldDescriptorProto_Type as Type,
  FieldDescriptorProtoSchema,
  FieldOptions_JSType as JsType,
  MethodDescriptorProtoSchema,
  MethodOptions_IdempotencyLevel as Idempotency,
  ServiceDescriptorProtoSchema,
  SourceCodeInfoSchema,
  type DescriptorProto,
  type EnumDescriptorProto,
  type FieldDescriptorProto,
  type FileDescriptorProto,
  type ServiceDescriptorProto,
} from "@bufbuild/protobuf/wkt";
import protobufjs from "protobufjs";
import { scalarTypes } from "../../codec/protobuf/descriptor.ts";
import type { Scalar } from "../../codec/protobuf/model.ts";
import { jsonNameOf, pascal } from "../../codec/protobuf/names.ts";

const { Enum, MapField, Service, Type: Message } = protobufjs;

/** The numbers of parts in a descriptor, by which a comment tells what it is about. */
const parts = { message: 4, enum: 5, service: 6, field: 2, nested: 3, nestedEnum: 4, method: 2 };

/** Fills the descriptor of a file with what protobufjs has read in it. */
export class FileDescriber {
  readonly #file: FileDescriptorProto;

  constructor(file: FileDescriptorProto) {
    this.#file = file;
    file.sourceCodeInfo = create(SourceCodeInfoSchema);
  }

  /** A message, an enum or a service; whatever else a file declares (extensions) describes no value. */
  add(told: protobufjs.ReflectionObject): void {
    const { messageType, enumType, service } = this.#file;
    if (told instanceof Message)
      messageType.push(this.#message(told, [parts.message, messageType.length]));
    else if (told instanceof Enum) enumType.push(this.#enum(told, [parts.enum, enumType.length]));
    else if (told instanceof Service)
      service.push(this.#service(told, [parts.service, service.length]));
  }

  #message(told: protobufjs.Type, path: readonly number[]): DescriptorProto {
    this.#comment(told, path);
    // Those that stand for the presence of one field come last.
    const oneofs = told.oneofsArray.toSorted(
      (a, b) => Number(isSynthetic(a)) - Number(isSynthetic(b)),
    );
    const message = create(DescriptorProtoSchema, {
      name: told.name,
      oneofDecl: oneofs.map(({ name }) => ({ name })),
    });
    for (const field of told.fieldsArray) {
      this.#comment(field, [...path, parts.field, message.field.length]);
      message.field.push(fieldOf(field, told, oneofs));
    }
    for (const nested of told.nestedArray) {
      const { nestedType, enumType } = message;
      if (nested instanceof Message)
        nestedType.push(this.#message(nested, [...path, parts.nested, nestedType.length]));
      else if (nested instanceof Enum)
        enumType.push(this.#enum(nested, [...path, parts.nestedEnum, enumType.length]));
    }
    for (const field of told.fieldsArray)
      if (field instanceof MapField) message.nestedType.push(entryOf(field));
    for (const reserved of told.reserved ?? []) {
      if (typeof reserved === "string") message.reservedName.push(reserved);
      else
        message.reservedRange.push(
          create(DescriptorProtoSchema, {
            reservedRange: [{ start: reserved[0]!, end: reserved[1]! + 1 }],
          }).reservedRange[0]!,
        );
    }
    return message;
  }

  #enum(told: protobufjs.Enum, path: readonly number[]): EnumDescriptorProto {
    this.#comment(told, path);
    const alias = told.options?.["allow_alias"] === true;
    return create(EnumDescriptorProtoSchema, {
      name: told.name,
      value: Object.entries(told.values).map(([name, number]) => ({ name, number })),
      ...(alias ? { options: { allowAlias: true } } : {}),
    });
  }

  #service(told: protobufjs.Service, path: readonly number[]): ServiceDescriptorProto {
    this.#comment(told, path);
    return create(ServiceDescriptorProtoSchema, {
      name: told.name,
      method: told.methodsArray.map((method, index) => {
        this.#comment(method, [...path, parts.method, index]);
        const level = method.options?.["idempotency_level"] as keyof typeof Idempotency | undefined;
        return create(MethodDescriptorProtoSchema, {
          name: method.name,
          inputType: method.resolvedRequestType!.fullName,
          outputType: method.resolvedResponseType!.fullName,
          clientStreaming: method.requestStream === true,
          serverStreaming: method.responseStream === true,
          ...(level === undefined ? {} : { options: { idempotencyLevel: Idempotency[level] } }),
        });
      }),
    });
  }

  #comment({ comment }: protobufjs.ReflectionObject, path: readonly number[]): void {
    if (comment === null || comment === "") return;
    this.#file.sourceCodeInfo!.location.push(
      create(SourceCodeInfoSchema, { location: [{ path: [...path], leadingComments: comment }] })
        .location[0]!,
    );
  }
}

function isSynthetic({ fieldsArray }: protobufjs.OneOf): boolean {
  return fieldsArray.length === 1 && isOptional(fieldsArray[0]!);
}

function isOptional({ options }: protobufjs.Field): boolean {
  return options?.["proto3_optional"] === true;
}

function fieldOf(
  field: protobufjs.Field,
  message: protobufjs.Type,
  oneofs: readonly protobufjs.OneOf[],
): FieldDescriptorProto {
  const { name, id, options = {}, partOf } = field;
  const type =
    field instanceof MapField
      ? { type: Type.MESSAGE, typeName: `${message.fullName}.${entryName(field)}` }
      : typeOf(field);
  const jsonName = options["json_name"] as string | undefined;
  const jsType = options["jstype"] as keyof typeof JsType | undefined;
  const packed = options["packed"] as boolean | undefined;
  return create(FieldDescriptorProtoSchema, {
    name,
    number: id,
    jsonName: jsonName ?? jsonNameOf(name),
    label: field.repeated || field.map ? Label.REPEATED : Label.OPTIONAL,
    ...type,
    ...(partOf === null ? {} : { oneofIndex: oneofs.indexOf(partOf) }),
    ...(isOptional(field) ? { proto3Optional: true } : {}),
    options: {
      ...(packed === undefined ? {} : { packed }),
      ...(jsType === undefined ? {} : { jstype: JsType[jsType] }),
    },
  });
}

function typeOf({ type, resolvedType }: Pick<protobufjs.Field, "type" | "resolvedType">): {
  readonly type: Type;
  readonly typeName?: string;
} {
  if (resolvedType === null) return { type: scalarTypes[type as Scalar] };
  const { fullName } = resolvedType;
  return { type: resolvedType instanceof Enum ? Type.ENUM : Type.MESSAGE, typeName: fullName };
}

function entryName({ name }: { readonly name: string }): string {
  return `${pascal(name)}Entry`;
}

function entryOf(field: protobufjs.MapField): DescriptorProto {
  const label = Label.OPTIONAL;
  const key = scalarTypes[field.keyType as Scalar];
  return create(DescriptorProtoSchema, {
    name: entryName(field),
    field: [
      { name: "key", jsonName: "key", number: 1, label, type: key },
      { name: "value", jsonName: "value", number: 2, label, ...typeOf(field) },
    ],
    options: { mapEntry: true },
  });
}
