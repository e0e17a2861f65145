// The tables of docs/resilience.md say what the sources say.
import { deepEqual, equal, ok } from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { effects, type OutcomeKind } from "../resilience/outcome.ts";

const page = readFileSync(new URL("../../docs/resilience.md", import.meta.url), "utf8");

/** The cells of the rows of the table whose first heading is this. */
function rowsOf(heading: string): string[][] {
  const lines = page.slice(page.indexOf(`| ${heading} |`)).split("\n");
  const end = lines.findIndex((line) => !line.startsWith("|"));
  const rows = lines.slice(2, end);
  return rows
    .map((line) => line.split("|").slice(1, -1))
    .map((cells) => cells.map((each) => each.trim()));
}

test("docs/resilience.md says what each outcome means", () => {
  const shown = rowsOf("outcome").map(([name, , ...meanings]) => [name, ...meanings]);
  const kinds = Object.keys(effects) as OutcomeKind[];
  const meant = kinds.map((kind) => {
    const { breaker, load, limit, deposits, retry } = effects[kind];
    return [`\`${kind}\``, breaker, load, limit, deposits ? "yes" : "no", retry];
  });
  deepEqual(shown, meant);
});

const units: Readonly<Record<string, number>> = { ms: 1, s: 1_000, min: 60_000 };

/** What a number or a duration is, in milliseconds. */
function read(text: string): number {
  const [, digits = "", unit = ""] = /^([\d.,_]+) ?(ms|s|min)?$/.exec(text) ?? [];
  ok(digits !== "", `${text} is no number`);
  return Number(digits.replaceAll(/[,_]/g, "")) * (units[unit] ?? 1);
}

/** The default that a source gives to a name: `name ?? 5` or `name = 5`, else `name: 5`; products and quotients are worked out. */
function defaultIn(source: string, name: string): number {
  const value = String.raw`(?:Math\.max\()?"?([\d._]+(?:ms|s|min)?(?: [*/] [\d._]+)*)"?[;,) }]`;
  const after = (sign: string): string | undefined =>
    new RegExp(String.raw`\b${name.replaceAll(".", String.raw`\.`)}${sign}${value}`).exec(
      source,
    )?.[1];
  const found = after(String.raw`(?:: number)?(?: \?\?| =) `) ?? after(": ");
  ok(found !== undefined, `${name} has no default there`);
  const [first = "", ...others] = found.split(/ (?=[*/] )/);
  return others.reduce((product, each) => {
    const by = read(each.slice(2));
    return each.startsWith("*") ? product * by : product / by;
  }, read(first));
}

test("docs/resilience.md says each default as the sources have it", () => {
  const rows = rowsOf("name");
  ok(rows.length > 50);
  const other = rows.flatMap(([name = "", told = "", , , where = ""]) => {
    const plain = name.replaceAll("`", "");
    const file = where.replaceAll("`", "");
    const source = readFileSync(new URL(`../${file}`, import.meta.url), "utf8");
    const has = defaultIn(source, plain);
    return Math.abs(has - read(told)) < 0.001 * has ? [] : [`${plain} is ${has} in ${file}`];
  });
  equal(other.join("\n"), "");
});
