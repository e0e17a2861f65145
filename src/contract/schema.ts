/**
 * What Trunkline needs of a schema: Standard Schema v1 (https://standardschema.dev), written out here so that the types
 * of a contract depend on no package. Zod, Valibot, ArkType, TypeBox adapters and others implement it.
 */
export interface Schema<In = unknown, Out = In> {
  readonly "~standard": {
    readonly version: 1;
    /** The library that made the schema: `zod`, `valibot`, `arktype`, `trunkline`, … */
    readonly vendor: string;
    readonly validate: (value: unknown) => Validation<Out> | Promise<Validation<Out>>;
    readonly types?: { readonly input: In; readonly output: Out } | undefined;
    /** Standard JSON Schema; not every library has it. */
    readonly jsonSchema?: JsonSchemaConverter | undefined;
  };
}

/**
 * Anything that says it is a Standard Schema. The constraint of what a contract is given: it asks for the slot, not for
 * what is in it, so that the compiler resolves no schema where it is only named (that would cost as much as the schemas).
 */
export interface StandardSchema {
  readonly "~standard": unknown;
}

/** What a schema answers: the value as it reads it, or what is wrong with it. */
export type Validation<Value> = Valid<Value> | Invalid;

export interface Valid<Value> {
  readonly value: Value;
  readonly issues?: undefined;
}

export interface Invalid {
  readonly issues: readonly Issue[];
}

/** One thing that is wrong with a value. */
export interface Issue {
  readonly message: string;
  /** Where in the value; absent or empty: the value itself. */
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
}

/** Gives the JSON Schema of either side of a schema; throws for what JSON Schema cannot say. */
export interface JsonSchemaConverter {
  readonly input: (options: JsonSchemaOptions) => Record<string, unknown>;
  readonly output: (options: JsonSchemaOptions) => Record<string, unknown>;
}

export interface JsonSchemaOptions {
  readonly target: string;
  readonly libraryOptions?: Record<string, unknown> | undefined;
}

interface Typed {
  readonly "~standard": {
    readonly types?: { readonly input: unknown; readonly output: unknown } | undefined;
  };
}

/**
 * Zod keeps the same two types in a slot of its own. Reading them there spares the compiler one Standard Schema
 * interface for each schema: of 2,700 operations a quarter of all instantiations and 100 MB (test/type-cost.test.ts).
 */
interface ZodTyped {
  readonly _zod: { readonly input: unknown; readonly output: unknown };
}

/**
 * What one passes to a schema, and what travels on the wire: the type before defaults and transforms.
 * An operation without a schema (`undefined`) takes nothing: `void`.
 */
export type Input<S> = S extends ZodTyped
  ? S["_zod"]["input"]
  : S extends Typed
    ? NonNullable<S["~standard"]["types"]>["input"]
    : void;

/** What a schema hands on: the type after defaults and transforms. Without a schema `void`. */
export type Output<S> = S extends ZodTyped
  ? S["_zod"]["output"]
  : S extends Typed
    ? NonNullable<S["~standard"]["types"]>["output"]
    : void;

/** True for anything that implements Standard Schema v1; ArkType's schemas are functions. */
export function isSchema(value: unknown): value is Schema {
  if ((typeof value !== "object" && typeof value !== "function") || value === null) return false;
  const standard = (value as Partial<Schema>)["~standard"];
  return (
    typeof standard === "object" &&
    standard !== null &&
    standard.version === 1 &&
    typeof standard.validate === "function"
  );
}
