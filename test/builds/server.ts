// `server.ts old|new ADDRESS…`: serves a build, and tells where.
import { chassis, serve } from "trunkline";
import { New, Old } from "./contracts.ts";
import { formats } from "./formats.ts";

const [build, ...listen] = process.argv.slice(2);

async function sumOf(items: AsyncIterable<{ readonly n: number }>): Promise<number> {
  let sum = 0;
  for await (const { n } of items) sum += n;
  return sum;
}

const common = {
  same: ({ n, text }: { n: number; text: string }) => ({ sum: n + text.length }),
  moreIn: ({ item }: { item: string }) => item,
  lessIn: ({ item }: { item: string }) => item,
  neededIn: ({ item }: { item: string }) => item,
  narrowerIn: (text: string) => text,
  load: sumOf,
  *watch() {
    yield* [{ n: 1 }, { n: 2 }];
  },
};
const old = serve(Old, {
  ...common,
  moreOut: () => ({ id: "a" }),
  lessOut: () => ({ id: "a", price: 1.5 }),
  widerOut: () => "placed",
  gone: ({ item }) => item,
  failing({ item }, { errors }) {
    throw errors.SOLD_OUT({ item });
  },
});
const now = serve(New, {
  ...common,
  moreOut: () => ({ id: "a", price: 1.5 }),
  lessOut: () => ({ id: "a" }),
  widerOut: () => "returned",
  added: ({ item }) => item,
  failing({ item }, { errors }) {
    throw errors.SOLD_OUT({ item, left: 0 });
  },
});

await using app = await chassis({
  name: "shop",
  listen,
  formats,
  serve: [build === "old" ? old : now],
});
console.log(JSON.stringify(app.addresses));
await app.stopped;
