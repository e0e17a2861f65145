import { deepEqual } from "node:assert/strict";
import { test } from "node:test";
import { deedsIn, faultsOf, lineOf, type Deed } from "./lines.ts";

type Lines = readonly (readonly [Deed, number?])[];

function faultsIn(served: Lines, called: Lines): string[] {
  const journal = (lines: Lines): string => lines.map((line) => lineOf("x", ...line)).join("");
  return faultsOf(deedsIn(journal(served)), deedsIn(journal(called)));
}

const cases: Readonly<Record<string, readonly [served: Lines, called: Lines, faults: string[]]>> = {
  "what was answered and has run": [[["begins"], ["is over"]], [["is answered"]], []],
  "what was answered and has not run": [[], [["is answered"]], ["x was answered, and has not run"]],
  "what has run twice": [[["begins"], ["begins"]], [["may have run"]], ["x has run 2 times"]],
  "what may have run, and has not": [[], [["may have run"]], []],
  "what did not run, and has": [
    [["begins"]],
    [["did not run"]],
    ["x has run, and its caller was told that it had not"],
  ],
  "items that are under way at a death": [
    [["begins"], ["tells", 0], ["tells", 1], ["takes", 0]],
    [["gets", 0], ["gives", 0], ["gives", 1], ["may have run"]],
    [],
  ],
  "what the one got that the other had not sent": [
    [["begins"], ["is wrong"]],
    [["may have run"]],
    ["x has got what was not sent"],
  ],
  "an item that comes twice": [
    [["begins"], ["tells", 0], ["tells", 1]],
    [
      ["gets", 0],
      ["gets", 0],
    ],
    ["x gets 0,0"],
  ],
  "an item that is left out": [
    [["begins"], ["takes", 0], ["takes", 2]],
    [
      ["gives", 0],
      ["gives", 1],
      ["gives", 2],
    ],
    ["x takes 0,2"],
  ],
  "an item that nobody has sent": [[["begins"]], [["gets", 0]], ["x gets 1 of 0 items"]],
  "an item that nobody has given": [
    [["begins"], ["takes", 0]],
    [["gets"]],
    ["x takes 1 of 0 items", "x gets 1 of 0 items"],
  ],
  "an answer behind a part of the items": [
    [["begins"], ["tells", 0], ["tells", 1]],
    [["gets", 0], ["is answered"]],
    ["x is whole with 0 of 0, and 1 of 2"],
  ],
};

for (const [name, [served, called, faults]] of Object.entries(cases))
  test(`a journal tells of ${name}`, () => deepEqual(faultsIn(served, called), faults));

test("half of a line, where a process was killed, tells nothing", () => {
  deepEqual(
    deedsIn(`${lineOf("x", "gives", 1)}x\tgiv`)
      .get("x")!
      .get("giv"),
    undefined,
  );
});
