import { deepEqual, equal, ok } from "node:assert/strict";
import { test } from "node:test";
import { seededRandom } from "../../base/random.ts";
import { isHungry, orphan, surplus, wanted, type ShareView } from "./share.ts";

/** A group as its server sees it: who asked for which shards, in their order; the first of each gets its messages. */
class Group {
  readonly shards: readonly string[];
  readonly members: { readonly mine: Set<string>; freeSince: Map<string, number> }[] = [];

  constructor(shards: number) {
    this.shards = Array.from({ length: shards }, (_, number) => `#${number}`);
  }

  join(): void {
    this.members.push({ mine: new Set(), freeSince: new Map() });
  }

  leave(): void {
    this.members.shift();
  }

  holders(shard: string): number {
    return this.members.filter(({ mine }) => mine.has(shard)).length;
  }

  /** One look of each member; what they see of shards is from before any of them took one. */
  look(random: () => number): void {
    const free = new Set(this.shards.filter((shard) => this.holders(shard) === 0));
    for (const member of this.members) {
      const view = (): ShareView => ({
        shards: this.shards.length,
        members: this.members.length,
        hungry: this.members.filter(
          ({ mine }) => mine.size < Math.floor(this.shards.length / this.members.length),
        ).length,
        // Those that others have too bring nothing to all but the first; which those are nobody sees.
        mine: [...member.mine].toSorted(
          (a, z) => this.holders(a) - this.holders(z) || random() - 0.5,
        ),
      });
      for (const shard of surplus(view(), random)) member.mine.delete(shard);
      const seen = [...free].filter((shard) => !member.mine.has(shard));
      member.freeSince = new Map(
        seen.map((shard) => [shard, (member.freeSince.get(shard) ?? 0) + 1]),
      );
      const adopted = orphan(view(), member.freeSince, random);
      for (const shard of adopted === undefined ? wanted(view(), seen, random) : [adopted])
        member.mine.add(shard);
    }
  }
}

test("members that come and go have their fair share of the shards in the end, and no shard is nobody's", () => {
  for (let seed = 1; seed <= 200; seed++) {
    const random = seededRandom(seed);
    const group = new Group(1 + Math.floor(random() * 24));
    const joins = 1 + Math.floor(random() * 6);
    for (let joined = 0; joined < joins; joined++) {
      group.join();
      group.look(random);
    }
    if (joins > 2) group.leave();
    for (let looks = 0; looks < 400; looks++) group.look(random);
    const sizes = group.members.map(({ mine }) => mine.size);
    const told = `seed ${seed}: ${group.shards.length} shards, members have ${sizes.join(", ")}`;
    for (const shard of group.shards) ok(group.holders(shard) > 0, `${told}; nobody has ${shard}`);
    ok(Math.max(...sizes) - Math.min(...sizes) <= 1, told);
  }
});

test("who is alone takes everything at once, and who has too few says so", () => {
  const alone: ShareView = { shards: 3, members: 1, hungry: 0, mine: [] };
  equal(isHungry(alone), true);
  deepEqual(
    wanted(alone, ["#0", "#1", "#2"], () => 0),
    ["#0", "#1", "#2"],
  );
  equal(isHungry({ ...alone, mine: ["#0", "#1", "#2"] }), false);
});
