// Both ends may ask: the bidders dial the auctioneer, and the auctioneer calls them back over their own connections.
import { chassis, client, serve, type Peer } from "trunkline";
import { Auction, Bidder } from "./auction.contract.ts";

const bidders: { name: string; peer: Peer }[] = [];
const sold = Promise.withResolvers<{ winner: string; price: number }>();

/** Asks in turn until nobody bids more. */
async function auction(): Promise<{ winner: string; price: number }> {
  bidders.sort((a, b) => a.name.localeCompare(b.name));
  let price = 0;
  let winner = "nobody";
  for (let silent = 0, turn = 0; silent < bidders.length; turn++) {
    const { name, peer } = bidders[turn % bidders.length]!;
    const bid = await client(Bidder, peer).bid({ above: price });
    silent = bid === null ? silent + 1 : 1;
    if (bid === null) continue;
    price = bid;
    winner = name;
    console.log(`${name} bids ${bid}`);
  }
  return { winner, price };
}

await using app = await chassis({
  name: "auctioneer",
  listen: "unix:./auction.sock",
  serve: [
    serve(Auction, {
      async join(name, { peer }) {
        bidders.push({ name, peer });
        if (bidders.length === 2) sold.resolve(auction());
        return sold.promise;
      },
    }),
  ],
});

/** Somebody who bids in steps, up to a limit, and tells what it hears in the end. */
async function bidder(name: string, step: number, limit: number): Promise<string> {
  const next = (above: number): number | null => (above + step <= limit ? above + step : null);
  await using auctioneer = client(Auction, app.addresses[0]!, {
    serve: [serve(Bidder, { bid: ({ above }) => next(above) })],
  });
  const { winner, price } = await auctioneer.join(name);
  return `${name} hears: ${winner} has it for ${price}`;
}

const heard = await Promise.all([bidder("Ada", 10, 40), bidder("Bob", 5, 50)]);
console.log(heard.join("\n"));
