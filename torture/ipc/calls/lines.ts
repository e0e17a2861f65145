/** What is written down of a request: by who serves it, and by who calls. */
export type Deed =
  | "begins"
  | "tells"
  | "takes"
  | "is over"
  | "gives"
  | "gets"
  | "is answered"
  | "is wrong"
  | "did not run"
  | "may have run";

export function lineOf(id: string, deed: Deed, number = 0): string {
  return `${id}\t${deed}\t${number}\n`;
}

/** All deeds of each request, with their numbers in their order. */
export type Deeds = ReadonlyMap<string, ReadonlyMap<string, readonly number[]>>;

/** The last line may be half of one: whoever wrote it was killed. */
export function deedsIn(text: string): Deeds {
  const all = new Map<string, Map<string, number[]>>();
  for (const line of text.split("\n").slice(0, -1)) {
    const [id = "", deed = "", number] = line.split("\t");
    const of = all.get(id) ?? new Map<string, number[]>();
    all.set(id, of);
    const numbers = of.get(deed) ?? [];
    of.set(deed, numbers);
    numbers.push(Number(number));
  }
  return all;
}

/** Where what the caller was told is not what the one who serves has done. One of the two may have been killed at any moment. */
export function faultsOf(served: Deeds, called: Deeds): string[] {
  const faults: string[] = [];
  for (const [id, own] of called) {
    const numbers = (of: Deeds, deed: Deed): readonly number[] => of.get(id)?.get(deed) ?? [];
    const [tells, takes] = [numbers(served, "tells"), numbers(served, "takes")];
    const [gives, gets] = [numbers(called, "gives"), numbers(called, "gets")];
    const runs = numbers(served, "begins").length;
    const fault = (text: string): void => void faults.push(`${id} ${text}`);
    if (own.has("is wrong") || served.get(id)?.has("is wrong") === true)
      fault("has got what was not sent");
    if (runs > 1) fault(`has run ${runs} times`);
    if (own.has("did not run") && runs > 0)
      fault("has run, and its caller was told that it had not");
    if (own.has("is answered") && runs === 0) fault("was answered, and has not run");
    for (const [name, items] of Object.entries({ takes, gets }))
      if (items.some((number, index) => number !== index)) fault(`${name} ${items.join()}`);
    if (takes.length > gives.length) fault(`takes ${takes.length} of ${gives.length} items`);
    if (gets.length > tells.length) fault(`gets ${gets.length} of ${tells.length} items`);
    const whole = takes.length === gives.length && gets.length === tells.length;
    if (own.has("is answered") && !whole)
      fault(
        `is whole with ${takes.length} of ${gives.length}, and ${gets.length} of ${tells.length}`,
      );
  }
  return faults;
}
