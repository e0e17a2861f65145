import type { ContractShape, JsonSchema, OperationShape } from "../../../../base/contract-shape.ts";
import { isTrunklineError } from "../../../../base/error.ts";
import { routesOf } from "../../binding/routes.ts";
import { identityName } from "../../binding/verbs.ts";
import type { Method } from "../../route.ts";
import { contractName, contractVersion } from "../../../../schema/foreign/names.ts";
import { memberName } from "./names.ts";
import { planOperation } from "./operation-plan.ts";
import type { ImportPlan, PlannedOperation } from "./planned.ts";
import { Schemas } from "../../../../schema/foreign/schemas.ts";
import {
  fieldsOf,
  refused,
  Source,
  textIn,
  type DocumentForm,
  type Fields,
} from "../../../../schema/foreign/source.ts";

/** Operations of one document: ten times what the largest public API has. */
const operationsMax = 10_000;

export interface ImportTerms {
  /** Of the contract. Default: what the document says of itself, else its title. */
  readonly name?: string;
  /** Before all paths. Default: the path of the document's first server. */
  readonly base?: string;
}

const methods: Readonly<Record<string, Method>> = {
  get: "GET",
  post: "POST",
  put: "PUT",
  patch: "PATCH",
  delete: "DELETE",
};

const openApiForm: DocumentForm = {
  name: "OpenAPI",
  dialect({ openapi, swagger }) {
    if (typeof openapi === "string" && /^3\.[01](\.|$)/.test(openapi))
      return openapi.startsWith("3.0") ? "openapi-3.0" : "2020-12";
    const found = openapi ?? swagger;
    throw refused(
      found === undefined
        ? "this is no OpenAPI document: it does not say `openapi`"
        : `OpenAPI ${JSON.stringify(found).slice(0, 40)} is not read, 3.0 and 3.1 are`,
      found === undefined ? undefined : "convert it to 3.0 or 3.1 first",
    );
  },
};

/** Reads a document of OpenAPI 3.0 or 3.1. What cannot be taken over is left out and told. */
export function planImport(given: unknown, terms: ImportTerms = {}): ImportPlan {
  const source = new Source(given, openApiForm);
  const { info, paths } = source.root;
  const about = fieldsOf(info);
  const schemas = new Schemas(source);
  const base = terms.base ?? baseOf(source);
  const own = ownContract(source);
  const name = terms.name ?? own?.name ?? contractName(textIn(about["title"]));
  const identity = identityName(name);
  const operations = new Map<string, PlannedOperation>();
  const places = new Set<string>();
  for (const [path, method, item, operation] of listed(source, paths)) {
    const where = `${method.toUpperCase()} ${path}`;
    const planned = planOperation(source, schemas, {
      path,
      method: methods[method]!,
      item,
      operation,
      where,
      identity,
    });
    if (planned === undefined) continue;
    const key = where.replaceAll(/\{[^{}]*\}/g, "{}");
    const member = memberName(operation, method, path, new Set(operations.keys()));
    const whole = { member, ...planned };
    if (places.has(key)) source.warn(where, "is left out: another operation has the same place");
    else if (stands(source, whole, { name, base, where }, schemas)) operations.set(member, whole);
    places.add(key);
    if (operations.size > operationsMax)
      throw refused(`the document has more than ${operationsMax} operations`);
  }
  const all = [...operations.values()];
  return {
    title: textIn(about["title"]) ?? "API",
    description: textIn(about["description"]),
    name,
    version: own?.version ?? contractVersion(source, about["version"]),
    base,
    operations: all,
    definitions: schemas.reached(all.flatMap(({ shape }) => schemasOf(shape))),
    warnings: source.warnings,
  };
}

function* listed(
  source: Source,
  paths: unknown,
): Generator<readonly [path: string, method: string, item: Fields, operation: Fields]> {
  for (const [path, given] of Object.entries(fieldsOf(paths))) {
    const item = source.follow(given);
    if (item === undefined) {
      source.warn(path, "is left out: it is no path item, or lies outside the document");
      continue;
    }
    for (const method of Object.keys(item)) {
      if (Object.hasOwn(methods, method)) yield [path, method, item, fieldsOf(item[method])];
      else if (["options", "trace", "query"].includes(method))
        source.warn(`${method.toUpperCase()} ${path}`, "is left out: the method is not called");
    }
  }
}

/** Asks the binding itself whether an operation can stand where the document has it. */
function stands(
  source: Source,
  { member, shape, route }: PlannedOperation,
  { name, base, where }: { readonly name: string; readonly base: string; readonly where: string },
  schemas: Schemas,
): boolean {
  const $defs = schemas.definitions;
  const defined = (schema: JsonSchema | undefined): JsonSchema | undefined =>
    schema === undefined ? undefined : { ...schema, $defs };
  const [input, head] = [defined(shape.in), defined(shape.head)];
  const alone: ContractShape = {
    name,
    version: "1.0.0",
    operations: {
      [member]: {
        ...shape,
        ...(input === undefined ? {} : { in: input }),
        ...(head === undefined ? {} : { head }),
      },
    },
  };
  try {
    routesOf(alone, { base, routes: { [member]: route } });
    return true;
  } catch (error) {
    if (!isTrunklineError(error)) throw error;
    const [, ...problems] = error.reason.split("\n");
    const told = problems.map((each) => each.replace(/^ *\d+\. [\w.-]+(?: \([^)]*\))?: /, ""));
    source.warn(where, `is left out: ${told.join("; ")}`);
    return false;
  }
}

function schemasOf({ in: input, out, head, errors = {} }: OperationShape): JsonSchema[] {
  const all = [input, out, head, ...Object.values(errors)];
  return all.filter((each): each is JsonSchema => each !== undefined && each !== null);
}

/** `https://api.example.org/v3` → `/v3`; variables have their defaults. */
function baseOf(source: Source): string {
  const { servers } = source.root;
  const first = fieldsOf(Array.isArray(servers) ? servers[0] : undefined);
  const variables = fieldsOf(first["variables"]);
  const url = (textIn(first["url"]) ?? "/").replaceAll(/\{([^{}]*)\}/g, (_, name: string) => {
    const usual = Object.hasOwn(variables, name) ? fieldsOf(variables[name])["default"] : undefined;
    return typeof usual === "string" ? usual : "any";
  });
  const path = /^[a-z][a-z0-9+.-]*:/i.test(url) ? (URL.parse(url)?.pathname ?? "/") : url;
  const base = path.replace(/\/+$/, "");
  if (base === "" || /^(?:\/[A-Za-z0-9._~-]+)+$/.test(base)) return base;
  source.warn("servers", `the path of ${url.slice(0, 100)} is not used`);
  return "";
}

/** What Trunkline's own documents say: the contract they were made from, where it is one. */
function ownContract({ root }: Source): { name: string; version: string } | undefined {
  const marks = Object.values(fieldsOf(root["paths"])).flatMap((item) =>
    Object.values(fieldsOf(item)).flatMap((operation) => {
      const { contract, version } = fieldsOf(fieldsOf(operation)["x-trunkline"]);
      return typeof contract === "string" && typeof version === "string"
        ? [{ contract, version }]
        : [];
    }),
  );
  const [first] = marks;
  if (first === undefined || !/^[a-z][a-z0-9-]{0,99}$/.test(first.contract)) return undefined;
  if (!/^(0|[1-9]\d{0,8})(\.(0|[1-9]\d{0,8})){2}$/.test(first.version)) return undefined;
  const same = marks.every(
    ({ contract, version }) => contract === first.contract && version === first.version,
  );
  return same ? { name: first.contract, version: first.version } : undefined;
}
