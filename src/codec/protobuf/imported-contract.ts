import type { DescMessage, DescMethod, DescService, FileRegistry } from "@bufbuild/protobuf";
import type { FileDescriptorProto } from "@bufbuild/protobuf/wkt";
import type { Codec } from "../codec.ts";
import { delegatedCodec } from "./delegated.ts";
import { ImportedMessages, wellKnownOf } from "./imported-model.ts";
import { MessageCodecs } from "./message-codec.ts";
import type { ProtoContract, ProtoMethod } from "./proto-contract.ts";
import { wholeCodec } from "./value-codec.ts";

/**
 * A service of somebody's .proto file as a contract: its own names and numbers. `contract` is `greeter@1`, `members` says
 * which operation each of its methods is.
 */
export function importedContract(
  registry: FileRegistry,
  service: DescService,
  contract: string,
  members: ReadonlyMap<string, DescMethod>,
): ProtoContract {
  const messages = new ImportedMessages();
  const codecs = new MessageCodecs("", registry);
  const codecOf = (message: DescMessage): Codec => {
    const wellKnown = wellKnownOf(message.typeName);
    // Nothing at all, which a message without fields says as well.
    if (wellKnown === "Empty")
      return wholeCodec(codecs.of({ name: message.typeName, form: "nothing", fields: [] }));
    if (wellKnown !== undefined) return delegatedCodec(wellKnown, registry, message.typeName);
    return wholeCodec(codecs.of(messages.message(message)));
  };
  const methods = [...members].map(([member, method]): [string, ProtoMethod] => {
    const { name, methodKind } = method;
    const input = codecOf(method.input);
    return [
      member,
      {
        member,
        name,
        path: `/${service.typeName}/${name}`,
        clientStreaming: methodKind === "client_streaming" || methodKind === "bidi_streaming",
        serverStreaming: methodKind === "server_streaming" || methodKind === "bidi_streaming",
        input,
        output: codecOf(method.output),
        head: undefined,
        decodePart: (memory, from, to) => ({
          part: "item",
          value: input.decode(memory, from, to),
        }),
        error: () => undefined,
      },
    ];
  });
  return {
    contract,
    package: service.file.proto.package,
    service: service.typeName,
    methods: new Map(methods),
    file: service.file.proto,
    imports: importsOf(service),
  };
}

/** Every file that the service's own needs, those of Google's left out. */
function importsOf({ file }: DescService): FileDescriptorProto[] {
  const found = new Set<FileDescriptorProto>();
  const open = [...file.dependencies];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    if (found.has(next.proto) || next.proto.package === "google.protobuf") continue;
    found.add(next.proto);
    open.push(...next.dependencies);
  }
  return [...found];
}
