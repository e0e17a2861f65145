import type { Exchanged } from "./exchange.ts";

/** What the exchanges came to, for people: some lines for each broker. */
export function exchangeText(all: readonly Exchanged[]): string {
  const lines = all.flatMap((each) => {
    const { over, store, event, command, gather, document, perSecond, notes, off } = each;
    const { lost, doubled, reordered } = each;
    const number = (count: number): string => count.toLocaleString("en");
    return [
      `messages     over ${over}: event ${number(event)} · command ${number(command)} · gather ${number(gather)} · document ${number(document)} · ${number(perSecond)} events/s with receipts`,
      ...notes.map((note) => `             ${note}`),
      `             totals in ${store === "files" ? "files" : `a database (${store}), with inbox and outbox`}`,
      `             lost ${lost} · applied twice ${doubled} · out of order ${reordered} · the file: ${off.length === 0 ? "all equal" : "not equal"}`,
      ...off.map((sentence) => `             off: ${sentence}`),
    ];
  });
  return ["exchange", ...lines].join("\n  ");
}
