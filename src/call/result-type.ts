import type { DeclaredError, SystemError } from "../base/error.ts";
import type { Output } from "../contract/schema.ts";

/** What `.result()` gives. */
export type Result<Value, Errors> = Success<Value> | Failed<Errors>;

export interface Success<Value> {
  readonly ok: true;
  readonly value: Value;
}

export interface Failed<Errors> {
  readonly ok: false;
  readonly error: Failure<Errors>;
}

/** A declared error, told apart by its `code`, or one of Trunkline's. */
export type Failure<Errors> = Declared<Errors> | SystemError;

type Declared<Errors> = {
  [Code in keyof Errors]: DeclaredError<Code & string, Output<Errors[Code]>>;
}[keyof Errors];
