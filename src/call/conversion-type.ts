import type { DeclaredError } from "../base/error.ts";
import type { info } from "../contract/contract.ts";
import type { Input, Output } from "../contract/schema.ts";
import type { HandlerOf, HeadedContext } from "./handlers-type.ts";

/**
 * How the operations of `Old` are served by what serves `New`: for each a conversion, or a handler of its own. What both say
 * alike may be left out; what `New` lacks must have a handler.
 */
export type Conversions<Old, New> = Old extends {
  readonly [info]: { readonly operations: infer O };
}
  ? New extends { readonly [info]: { readonly operations: infer N } }
    ? {
        readonly [Name in keyof O as Alike<O, N, Name> extends true ? never : Name]: Served<
          O[Name],
          N,
          Name
        >;
      } & {
        readonly [Name in keyof O as Alike<O, N, Name> extends true ? Name : never]?: Served<
          O[Name],
          N,
          Name
        >;
      }
    : never
  : never;

/** Nothing has to be said: whatever one takes the other takes too, and the same for what they give. */
type Alike<O, N, Name extends keyof O> = Name extends keyof N
  ? SameKind<O[Name], N[Name]> extends true
    ? object extends Conversion<O[Name], N[Name]>
      ? true
      : false
    : false
  : false;

type SameKind<O, N> = [Part<O, "kind">] extends [Part<N, "kind">] ? true : false;

/** A handler of its own, a conversion to the operation of the same name, or to one of another name. */
type Served<Operation, N, Name> =
  | (HandlerOf<Operation> & NotRenamed)
  | (Name extends keyof N
      ? SameKind<Operation, N[Name]> extends true
        ? Conversion<Operation, N[Name]> & NotRenamed
        : never
      : never)
  | {
      [To in keyof N]: SameKind<Operation, N[To]> extends true
        ? Conversion<Operation, N[To]> & {
            /** The operation that serves it, where that has another name. */
            readonly to: To;
          }
        : never;
    }[keyof N];

/** By the absence of `to` the compiler tells the choices apart, so it must stand in all of them. */
interface NotRenamed {
  readonly to?: undefined;
}

/** What turns the payloads of one operation into those of another of the same kind, and back. */
export type Conversion<O, N> = Converter<
  "head",
  Output<Part<O, "head">>,
  Input<Part<N, "head">>,
  OldContext<O>
> &
  Converter<"up", Output<Part<O, "in">>, Input<Part<N, "in">>, OldContext<O>> &
  Converter<"down", Input<Part<N, "out">>, Input<Part<O, "out">>, OldContext<O>> &
  ErrorsTerm<O, Part<O, "errors">, Part<N, "errors">>;

/** What the terms of an operation hold under `Name`; kinds that have no such part have nothing there. */
type Part<Operation, Name extends string> = Operation extends {
  readonly [Key in Name]: infer Found;
}
  ? Found
  : undefined;

type OldContext<O> = HeadedContext<Part<O, "head">, Part<O, "errors">>;

/** A function from what is there to what is wanted: to be left out where that is the same, or nothing. */
type Converter<Name extends string, From, To, Context> = [From] extends [To]
  ? { readonly [Key in Name]?: (value: From, context: Context) => To | Promise<To> }
  : [To] extends [void]
    ? { readonly [Key in Name]?: (value: From, context: Context) => To | Promise<To> }
    : { readonly [Key in Name]: (value: From, context: Context) => To | Promise<To> };

/** One function for each error that only the newer version declares, or declares with other data. */
type ErrorsTerm<O, OldErrors, NewErrors> =
  object extends ErrorConverters<O, OldErrors, NewErrors>
    ? { readonly errors?: ErrorConverters<O, OldErrors, NewErrors> }
    : { readonly errors: ErrorConverters<O, OldErrors, NewErrors> };

type ErrorConverters<O, OldErrors, NewErrors> = {
  readonly [
    Code in keyof NewErrors as Known<OldErrors, NewErrors, Code> extends true ? never : Code
  ]: ErrorConverter<O, Input<NewErrors[Code]>>;
} & {
  readonly [
    Code in keyof NewErrors as Known<OldErrors, NewErrors, Code> extends true ? Code : never
  ]?: ErrorConverter<O, Input<NewErrors[Code]>>;
};

type Known<OldErrors, NewErrors, Code extends keyof NewErrors> = Code extends keyof OldErrors
  ? [Input<NewErrors[Code]>] extends [Input<OldErrors[Code]>]
    ? true
    : false
  : false;

/** Gives, or throws, an error that the older version declares; or an answer in its place, where there is one answer. */
type ErrorConverter<O, Data> = (
  data: Data,
  context: OldContext<O>,
) => InPlace<O> | Promise<InPlace<O>>;

type InPlace<O> =
  | OldError<Part<O, "errors">>
  | (Part<O, "kind"> extends "call" | "upload" ? Input<Part<O, "out">> : void);

type OldError<Errors> = {
  [Code in keyof Errors]: DeclaredError<Code & string, Input<Errors[Code]>>;
}[keyof Errors];
