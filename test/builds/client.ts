// `client.ts old|new ADDRESS…`: asks every operation of its build in every format; prints what became of each.
import { client, isTrunklineError, type Client } from "trunkline";
import { New, Old } from "./contracts.ts";
import { formats } from "./formats.ts";

const [build, ...addresses] = process.argv.slice(2);
const item = { item: "kettle" };

async function all(items: AsyncIterable<unknown>): Promise<void> {
  for await (const _ of items);
}

/** What each build asks, with values that its own contract allows. */
const asking: Readonly<
  Record<string, (shop: Client<typeof Old> & Client<typeof New>) => Promise<unknown>>
> = {
  same: (shop) => shop.same({ n: 1, text: "ab" }),
  moreIn: (shop) => shop.moreIn(build === "old" ? item : { ...item, note: "blue" }),
  lessIn: (shop) => shop.lessIn(build === "old" ? { ...item, note: "blue" } : item),
  neededIn: (shop) => shop.neededIn((build === "old" ? item : { ...item, count: 2 }) as never),
  moreOut: (shop) => shop.moreOut(item),
  lessOut: (shop) => shop.lessOut(item),
  widerOut: (shop) => shop.widerOut(item),
  narrowerIn: (shop) => shop.narrowerIn(build === "old" ? "long" : "abc"),
  gone: (shop) => shop.gone(item),
  added: (shop) => shop.added(item),
  watch: (shop) => all(shop.watch(item)),
  load: (shop) => shop.load([{ n: 1 }, { n: 2 }]),
  failing: (shop) => shop.failing(item),
};

const told: Record<string, Record<string, string>> = {};
for (const address of addresses) {
  for (const format of [undefined, ...formats]) {
    await using shop = client(build === "old" ? Old : New, address, {
      deadline: "10s",
      ...(format === undefined ? {} : { format }),
    }) as Client<typeof Old> & Client<typeof New> & AsyncDisposable;
    const outcome: Record<string, string> = {};
    for (const [name, ask] of Object.entries(asking)) {
      if (!Object.hasOwn(shop, name)) continue;
      try {
        await ask(shop);
        outcome[name] = "ok";
      } catch (error) {
        if (!isTrunklineError(error)) throw error;
        outcome[name] = error.declared ? "ok" : error.code;
      }
    }
    told[`${address.split(":")[0]} ${format?.name ?? "json"}`] = outcome;
  }
}
console.log(JSON.stringify(told));
