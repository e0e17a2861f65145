import type { DescMethod, DescService } from "@bufbuild/protobuf";
import { MethodOptions_IdempotencyLevel as Idempotency } from "@bufbuild/protobuf/wkt";
import type { Kind } from "../../base/handler.ts";
import { pascal } from "../../codec/protobuf/names.ts";

/** The operations that the methods of a service are: `SayHello` is `sayHello`. */
export function membersOf(service: DescService): ReadonlyMap<string, DescMethod> {
  const members = new Map<string, DescMethod>();
  for (const method of service.methods) {
    const name = pascal(method.name) || "Method";
    const plain = name[0]!.toLowerCase() + name.slice(1);
    let member = refused.has(plain) ? `${plain}Method` : plain;
    for (let count = 2; members.has(member); count++) member = `${plain}${count}`;
    members.set(member, method);
  }
  return members;
}

/** JavaScript gives these a meaning. */
const refused: ReadonlySet<string> = new Set(["then", "constructor", "toJSON"]);

export function kindOf({ methodKind }: DescMethod): Exclude<Kind, "notification"> {
  return kinds[methodKind];
}

const kinds = {
  unary: "call",
  server_streaming: "stream",
  client_streaming: "upload",
  bidi_streaming: "duplex",
} as const;

/** Whether the file says that a method may be repeated. */
export function isIdempotent({ idempotency, methodKind }: DescMethod): boolean {
  return idempotency !== Idempotency.IDEMPOTENCY_UNKNOWN && methodKind !== "bidi_streaming";
}

/** `demo.v1.Greeter` → `greeter`, and `1.0.0`: the major version that the package names. */
export function contractNameOf(service: DescService): {
  readonly name: string;
  readonly version: `${number}.0.0`;
} {
  const [, major = "1"] = /(?:^|\.)v([1-9]\d{0,5})[^.]*$/.exec(service.file.proto.package) ?? [];
  const name = service.name
    .replaceAll(/([a-z0-9])([A-Z])/g, "$1-$2")
    .replaceAll("_", "-")
    .toLowerCase()
    .replace(/^-+/, "");
  return { name: name === "" ? "service" : name, version: `${Number(major)}.0.0` };
}
