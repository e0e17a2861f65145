import { toBinary } from "@bufbuild/protobuf";
import {
  FileDescriptorProtoSchema,
  type DescriptorProto,
  type FileDescriptorProto,
} from "@bufbuild/protobuf/wkt";

import type { Incoming } from "../../incoming.ts";
import type { Dispatcher, ItemSource, Sink } from "../../protocol.ts";
import type { Method } from "../methods.ts";
import { reflectionFile, registryOf } from "./descriptors.ts";
import { answeringAs } from "./health.ts";
import { ownMethod } from "./own-method.ts";

const versions = ["v1", "v1alpha"] as const;

interface Question {
  readonly messageRequest: { readonly case: string | undefined; readonly value?: unknown };
}

interface Answer {
  readonly case: string;
  readonly value: object;
}

/** The status NOT_FOUND. */
const notFound = 5;

/**
 * The services grpc.reflection.v1 and v1alpha, where a chassis offers its own reflection: who may not ask the one may not ask
 * the other. `files` are those that tell of services; it is asked anew for each caller.
 */
export function reflectionMethods(
  dispatcher: Dispatcher,
  files: () => readonly FileDescriptorProto[],
): Method[] {
  const describe = dispatcher.find("trunkline-reflection", 1, "describe");
  if (describe === undefined) return [];
  const duplex = async (
    _head: unknown,
    items: ItemSource,
    incoming: Incoming,
    sink: Sink,
  ): Promise<void> => {
    await describe.handle(undefined, incoming); // for the sake of those who are asked whether the peer may
    const index = new Index([...files(), ...versions.map(reflectionFile)]);
    for await (const item of items.open((each) => each)) {
      while (!sink.ready && !sink.closed) await sink.whenReady();
      if (sink.closed) return;
      const question = item as Question;
      sink.put({ originalRequest: question, messageResponse: index.answer(question) });
    }
  };
  return versions.map((version) => {
    const path = `/grpc.reflection.${version}.ServerReflection/ServerReflectionInfo`;
    const served = { ...answeringAs(describe), duplex };
    return ownMethod(registryOf(reflectionFile(version)), path, "duplex", served, new Map());
  });
}

/** Files by what they are asked for. */
class Index {
  readonly #byName = new Map<string, FileDescriptorProto>();
  readonly #bySymbol = new Map<string, FileDescriptorProto>();
  readonly #services: string[] = [];

  constructor(files: readonly FileDescriptorProto[]) {
    for (const file of files) {
      this.#byName.set(file.name, file);
      const scope = file.package === "" ? "" : `${file.package}.`;
      const add = (symbol: string): void => void this.#bySymbol.set(scope + symbol, file);
      for (const each of file.messageType) addMessage(each, "", add);
      for (const each of file.enumType) add(each.name);
      for (const each of file.service) {
        add(each.name);
        this.#services.push(scope + each.name);
        for (const method of each.method) add(`${each.name}.${method.name}`);
      }
    }
  }

  answer({ messageRequest: { case: asked, value } }: Question): Answer {
    const text = typeof value === "string" ? value : "";
    switch (asked) {
      case "listServices": {
        const service = this.#services.toSorted().map((name) => ({ name }));
        return { case: "listServicesResponse", value: { service } };
      }
      case "fileByFilename":
        return this.#file(this.#byName.get(text), `there is no file ${text}`);
      case "fileContainingSymbol":
        return this.#file(this.#bySymbol.get(text), `nothing here is called ${text}`);
      case "allExtensionNumbersOfType":
        if (!this.#bySymbol.has(text)) return failure(`nothing here is called ${text}`);
        return { case: "allExtensionNumbersResponse", value: { baseTypeName: text } };
      case "fileContainingExtension":
        return failure("there are no extensions here");
      default:
        return failure("the question is not known here");
    }
  }

  /** With those that it imports: who asks for one needs them all. */
  #file(file: FileDescriptorProto | undefined, otherwise: string): Answer {
    if (file === undefined) return failure(otherwise);
    const needed = new Set<FileDescriptorProto>();
    const need = (each: FileDescriptorProto): void => {
      if (needed.has(each)) return;
      needed.add(each);
      for (const name of each.dependency) {
        const imported = this.#byName.get(name);
        if (imported !== undefined) need(imported);
      }
    };
    need(file);
    const fileDescriptorProto = [...needed].map((each) =>
      toBinary(FileDescriptorProtoSchema, each),
    );
    return { case: "fileDescriptorResponse", value: { fileDescriptorProto } };
  }
}

function addMessage(message: DescriptorProto, scope: string, add: (symbol: string) => void): void {
  const name = scope + message.name;
  add(name);
  for (const each of message.enumType) add(`${name}.${each.name}`);
  for (const each of message.nestedType) addMessage(each, `${name}.`, add);
}

function failure(errorMessage: string): Answer {
  return { case: "errorResponse", value: { errorCode: notFound, errorMessage } };
}
