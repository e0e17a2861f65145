/** So many names are listed when none is like the one that was written. */
const listedMax = 12;

/** What to write instead of `wrong`: the names that are nearest to it, if any is almost it, else those that there are. */
export function didYouMean(wrong: string, names: readonly string[]): string {
  const near = names
    .map((name) => ({ name, away: editsBetween(wrong, name) }))
    .filter(({ name, away }) => away <= Math.max(2, Math.floor(name.length / 4)))
    .filter(({ away }, _index, all) => away === Math.min(...all.map((each) => each.away)))
    .slice(0, 3)
    .map(({ name }) => name);
  if (near.length > 0) return `did you mean ${near.join(" or ")}?`;
  const more = names.length - listedMax;
  return `there are ${names.slice(0, listedMax).join(", ")}${more > 0 ? ` and ${more} more` : ""}`;
}

/** Letters to insert, remove or replace until one text is the other (Levenshtein's distance), whatever their case. */
function editsBetween(one: string, other: string): number {
  const [from, to] = [one, other].map((text) => Array.from(text.toLowerCase())) as [
    string[],
    string[],
  ];
  let row = Array.from({ length: to.length + 1 }, (_, at) => at);
  for (const [index, letter] of from.entries()) {
    const next = [index + 1];
    for (const [at, target] of to.entries()) {
      const replaced = row[at]! + (letter === target ? 0 : 1);
      next.push(Math.min(replaced, row[at + 1]! + 1, next[at]! + 1));
    }
    row = next;
  }
  return row.at(-1)!;
}
