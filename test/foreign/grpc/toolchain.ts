import { cpSync, existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { cache, pythonOf, runs, type Library, type Program } from "../toolchain.ts";
import { labProto } from "./lab.ts";

const foreign = join(import.meta.dirname, "..");

/** Our .proto file, where compilers of others find it under the name by which it is imported. */
function writeProto(folder: string): string {
  const { file, text } = labProto();
  const path = join(folder, file.name);
  mkdirSync(join(path, ".."), { recursive: true });
  writeFileSync(path, text());
  return file.name;
}

const python: Library = {
  name: "grpcio of Python",
  fragments: false,
  async prepare() {
    const plain = await pythonOf("grpc-python");
    if (typeof plain === "string") return plain;
    const generated = join(cache, "grpc-python", "generated");
    const proto = writeProto(generated);
    const out = [`--python_out=${generated}`, `--grpc_python_out=${generated}`];
    const compile = ["-m", "grpc_tools.protoc", `-I${generated}`, ...out, proto];
    if (!(await runs(plain("").command, compile)))
      throw new Error("protoc does not take our .proto file: run grpc_tools.protoc to see why");
    const program = (file: string): Program => {
      const { command, args } = plain(file);
      return { command: "env", args: [`PYTHONPATH=${generated}`, command, ...args] };
    };
    return { client: program("client.py"), server: program("server.py") };
  },
};

const go: Library = {
  name: "grpc-go",
  fragments: false,
  async prepare() {
    const sources = join(foreign, "go");
    const module = join(cache, "go", "module");
    const bin = join(cache, "go", "bin");
    if (!(await runs("go", ["version"]))) return "go is not installed";
    mkdirSync(module, { recursive: true });
    for (const each of readdirSync(sources)) {
      cpSync(join(sources, each), join(module, each), { recursive: true });
    }
    const run = (...args: string[]): Promise<boolean> =>
      runs("env", [
        `GOMODCACHE=${join(cache, "go", "modules")}`,
        `GOCACHE=${join(cache, "go", "build")}`,
        "GOFLAGS=-modcacherw",
        "go",
        "-C",
        module,
        ...args,
      ]);
    if (!(await run("mod", "download"))) return "go cannot download it";
    const plugins = ["protoc-gen-go", "protoc-gen-go-grpc"].map((name) => join(bin, name));
    if (
      !plugins.every((path) => existsSync(path)) &&
      !(await run("build", "-o", `${bin}/`, "tool"))
    )
      return "the plugins for Go do not compile";
    const proto = writeProto(module);
    const template = {
      version: "v2",
      plugins: plugins.map((local) => ({
        local,
        out: module,
        opt: ["module=trunkline.test/lab", `M${proto}=trunkline.test/lab/labv1`],
      })),
    };
    const buf = join(foreign, "../../node_modules/.bin/buf");
    writeFileSync(join(module, "buf.yaml"), JSON.stringify({ version: "v2" }));
    const generate = ["generate", module, "--template", JSON.stringify(template)];
    if (!(await runs(buf, generate)))
      throw new Error("buf does not take our .proto file: run buf generate to see why");
    if (!(await run("build", "-o", `${bin}/`, "./client", "./server")))
      throw new Error("the programs of test/foreign/go do not compile: run go build to see why");
    const program = (name: string): Program => ({ command: join(bin, name), args: [] });
    return { client: program("client"), server: program("server") };
  },
};

export const grpcLibraries: readonly Library[] = [python, go];
