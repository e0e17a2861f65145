import type { SqlValue } from "./driver.ts";

/** A piece of SQL with the values that belong into it. */
export interface Sql {
  /** The texts between the values: always one more than there are values. */
  readonly texts: readonly string[];
  readonly values: readonly SqlValue[];
}

/** Writes SQL: what is put in becomes a parameter, unless it is a piece of SQL itself. */
export function sql(strings: TemplateStringsArray, ...given: readonly (SqlValue | Sql)[]): Sql {
  const texts: string[] = [strings[0]!];
  const values: SqlValue[] = [];
  given.forEach((each, index) => {
    const after = strings[index + 1]!;
    if (!isSql(each)) {
      values.push(each);
      texts.push(after);
      return;
    }
    append(texts, values, each);
    texts.push(texts.pop()! + after);
  });
  return { texts, values };
}

/** SQL that is written as it stands: never with anything in it that somebody else has said. */
export function raw(text: string): Sql {
  return { texts: [text], values: [] };
}

export function join(pieces: readonly Sql[], between: string): Sql {
  const texts: string[] = [""];
  const values: SqlValue[] = [];
  pieces.forEach((piece, index) => {
    if (index > 0) texts.push(texts.pop()! + between);
    append(texts, values, piece);
  });
  return { texts, values };
}

function append(texts: string[], values: SqlValue[], piece: Sql): void {
  const [first, ...rest] = piece.texts;
  texts.push(texts.pop()! + first!, ...rest);
  values.push(...piece.values);
}

/** The texts of statements that are put together once. */
const fixedTexts = new WeakMap<readonly string[], string>();

/** The same statement with other values again and again: its text is put together once, for one dialect. */
export function fixed({ texts }: Sql): (values: readonly SqlValue[]) => Sql {
  fixedTexts.set(texts, "");
  return (values) => ({ texts, values });
}

/** Its text with a placeholder for each value. */
export function textOf(statement: Sql, placeholder: (index: number) => string): string {
  const { texts } = statement;
  const known = fixedTexts.get(texts);
  if (known === undefined) return textWith(texts, placeholder);
  if (known !== "") return known;
  const text = textWith(texts, placeholder);
  fixedTexts.set(texts, text);
  return text;
}

function textWith(texts: readonly string[], placeholder: (index: number) => string): string {
  let text = texts[0]!;
  for (let index = 1; index < texts.length; index++) text += placeholder(index) + texts[index]!;
  return text;
}

function isSql(value: SqlValue | Sql): value is Sql {
  return typeof value === "object" && value !== null && "texts" in value;
}

/** Whole numbers as SQL: they come from our own tables and tables of lanes, and are checked all the same. */
export function numbersOf(numbers: readonly number[]): string {
  for (const each of numbers)
    if (!Number.isSafeInteger(each)) throw new TypeError(`not a whole number: ${each}`);
  return numbers.join(",");
}
