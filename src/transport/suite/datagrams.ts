import { deepEqual, equal, match, ok, rejects } from "node:assert/strict";
import { userInfo } from "node:os";

import { isTrunklineError } from "../../base/error.ts";
import { seededRandom } from "../../base/random.ts";
import type { TransportCapabilities } from "../transport.ts";
import type { Case } from "./case.ts";
import { Mailbox } from "./mailbox.ts";
import { anySize, numbered } from "./frames.ts";

const unavailable = { code: "UNAVAILABLE", executed: "no", declared: false } as const;
const exhausted = { code: "RESOURCE_EXHAUSTED", executed: "no", declared: false } as const;

/** Datagrams that are sent one after the other where some may be lost. */
const manyCount = 500;

/** What a transport without connections promises, and that it refuses the rest. */
export const datagramCases: readonly Case[] = [
  {
    name: "a connection is refused with UNIMPLEMENTED, to dial and to listen, and with advice",
    play: async (stage) => {
      for (const asked of [stage.dial(), stage.listen(() => ok(false, "it accepts"))]) {
        const error = await asked.then(
          () => undefined,
          (failure: unknown) => failure,
        );
        ok(isTrunklineError(error), `a typed error, not ${String(error)}`);
        deepEqual([error.code, error.executed], ["UNIMPLEMENTED", "no"]);
        match(error.advice ?? "", /unix:/);
      }
    },
  },
  {
    name: "the name of the transport is the one in its addresses",
    play: async (stage) => {
      equal(stage.transport.name, stage.address.transport);
      await stage.turn();
    },
  },
  {
    name: "a datagram of any size, from nothing to the largest, arrives whole",
    play: async (stage) => {
      const { mailbox, sender } = await stage.post();
      const { bytesMax, exact } = sender;
      ok(bytesMax <= stage.transport.capabilities.frameBytesMax);
      const sizes = exact ? [bytesMax] : [0, 1, 2, 3, 255, 256, 1_000, bytesMax];
      for (const size of new Set(sizes.filter((each) => each <= bytesMax))) {
        const datagram = numbered(size, size);
        await stage.delivered(sender, datagram, mailbox);
      }
    },
  },
  {
    name: "ten thousand datagrams arrive, each once and in order, though the receiver reads in pieces",
    when: ({ ordered, reliable }) => ordered && reliable,
    play: async (stage) => {
      const { mailbox, sender } = await stage.post();
      const random = seededRandom(1);
      const size = (): number => (sender.exact ? sender.bytesMax : 4 + (anySize(random) % 3_000));
      const sent = Array.from({ length: 10_000 }, (_, number) => numbered(number, size()));
      for (let from = 0; from < sent.length; from += 500) {
        await Promise.all(sent.slice(from, from + 500).map((each) => stage.sent(sender, each)));
      }
      await mailbox.until(() => mailbox.datagrams.length >= sent.length);
      deepEqual(mailbox.datagrams, sent);
    },
  },
  {
    name: "what arrives was sent, and nothing arrives twice, though some may be lost",
    when: ({ ordered, reliable }) => !(ordered && reliable),
    play: async (stage) => {
      const { mailbox, sender } = await stage.post();
      const size = (number: number): number => (sender.exact ? sender.bytesMax : 8 + number);
      const sent = Array.from({ length: manyCount }, (_, number) => numbered(number, size(number)));
      for (const each of sent) await stage.sent(sender, each);
      // What is sent last is sent until it arrives: what has not come before it may be lost.
      const last = numbered(manyCount, size(manyCount));
      await stage.delivered(sender, last, mailbox);
      const known = new Set([...sent, last].map((each) => each.toString("hex")));
      for (const each of mailbox.datagrams) ok(known.has(each.toString("hex")), "it was sent");
      if (!sender.exact) mailbox.distinct();
      ok(mailbox.datagrams.length <= sent.length + 1 + mailbox.repeats);
    },
  },
  {
    name: "one that is larger than the largest is refused before it is sent, with advice, and others go on",
    play: async (stage) => {
      const { mailbox, sender } = await stage.post();
      const large = Buffer.alloc(sender.bytesMax + 1);
      const sending = sender.send(large, stage.soon());
      await rejects(sending, { ...exhausted, endpoint: stage.address.text });
      await sending.catch(({ advice }: { advice: string }) => match(advice, /fragments/));
      await stage.delivered(sender, numbered(0, Math.min(sender.bytesMax, 10)), mailbox);
      deepEqual(
        mailbox.datagrams.map(({ length }) => length),
        [Math.min(sender.bytesMax, 10)],
      );
    },
  },
  {
    name: "a smaller bound holds where it was asked for",
    play: async (stage) => {
      const { sender } = await stage.post({ datagramBytesMax: 1 });
      if (sender.exact) return; // all of them have one size
      equal(sender.bytesMax, 1);
      await rejects(sender.send(Buffer.alloc(2), stage.soon()), exhausted);
    },
  },
  {
    name: "while a receiver reads nothing, senders wait for their time and are refused; then all that was taken arrives",
    when: ({ reliable }) => reliable,
    play: async (stage) => {
      const { mailbox, sender, receiver } = await stage.post({ waitingMax: 10 });
      receiver.pause!();
      const size = sender.exact ? sender.bytesMax : 8;
      let taken = 0;
      const sendUntilFull = async (): Promise<void> => {
        for (;;) {
          await sender.send(numbered(taken, size), stage.env.now() + 20);
          taken++;
        }
      };
      await rejects(sendUntilFull(), exhausted);
      const before = taken;
      const waiting = Array.from({ length: 10 }, (_, index) =>
        sender.send(numbered(before + index, size), stage.soon()),
      );
      equal(sender.waiting, 10);
      await rejects(sender.send(numbered(0, size), stage.soon()), exhausted);
      deepEqual(mailbox.datagrams.length, 0);
      receiver.resume!();
      await Promise.all(waiting);
      await mailbox.until(() => mailbox.datagrams.length >= before + 10);
      const sent = Array.from({ length: before + 10 }, (_, number) => numbered(number, size));
      deepEqual(mailbox.datagrams, sent);
    },
  },
  {
    name: "sending to where nobody receives is refused with UNAVAILABLE, and taken when somebody has come",
    when: ({ noticesDeath }) => noticesDeath,
    play: async (stage) => {
      const sender = await stage.sender();
      const datagram = numbered(1, Math.min(8, sender.bytesMax));
      for (let life = 0; life < 3; life++) {
        const sending = sender.send(datagram, stage.soon());
        await rejects(sending, { ...unavailable, endpoint: stage.address.text });
        const mailbox = new Mailbox();
        const receiver = await stage.receive(mailbox);
        await sender.send(datagram, stage.soon());
        await mailbox.until(() => mailbox.datagrams.length === 1);
        await receiver.close();
      }
    },
  },
  {
    name: "a second receiver at one address is refused, and the first goes on",
    when: (capabilities) => !severalReceive(capabilities),
    play: async (stage) => {
      const { mailbox, sender } = await stage.post();
      await rejects(stage.receive(new Mailbox()), { ...unavailable, endpoint: stage.address.text });
      await stage.delivered(sender, numbered(1, Math.min(8, sender.bytesMax)), mailbox);
    },
  },
  {
    name: "each datagram reaches everybody who receives at the address",
    when: severalReceive,
    play: async (stage) => {
      const { mailbox, sender } = await stage.post();
      const other = new Mailbox();
      await stage.receive(other);
      await stage.delivered(sender, numbered(1, 8), mailbox, other);
    },
  },
  {
    name: "datagrams of many senders stay apart",
    play: async (stage) => {
      const { mailbox, sender } = await stage.post();
      const senders = [sender, ...(await Promise.all([1, 2, 3, 4].map(() => stage.sender())))];
      const size = Math.min(8, sender.bytesMax);
      for (const [number, each] of senders.entries()) {
        await stage.delivered(each, numbered(number, size), mailbox);
      }
    },
  },
  {
    name: "a sender that is closed refuses, and what waited too; a receiver that is closed gives its address free",
    play: async (stage) => {
      const { sender, receiver } = await stage.post();
      sender.close();
      sender.close();
      await rejects(
        sender.send(numbered(1, Math.min(8, sender.bytesMax)), stage.soon()),
        unavailable,
      );
      await Promise.all([receiver.close(), receiver.close()]);
      const again = await stage.post();
      await stage.delivered(again.sender, numbered(2, Math.min(8, sender.bytesMax)), again.mailbox);
    },
  },
  {
    name: "what had arrived is heard before a receiver has closed",
    when: ({ reliable }) => reliable,
    play: async (stage) => {
      const { mailbox, sender, receiver } = await stage.post();
      const size = sender.exact ? sender.bytesMax : 8;
      await sender.send(numbered(1, size), stage.soon());
      await sender.send(numbered(2, size), stage.soon());
      await receiver.close();
      deepEqual(mailbox.datagrams, [numbered(1, size), numbered(2, size)]);
    },
  },
  {
    name: "both ends know whether they are on one host",
    play: async (stage) => {
      const { mailbox, sender } = await stage.post();
      await stage.delivered(sender, numbered(1, Math.min(8, sender.bytesMax)), mailbox);
      ok(mailbox.peers[0]!.address.length > 0);
      equal(sender.peer.address, stage.address.text);
      if (stage.transport.capabilities.crossHost) return;
      deepEqual([sender.peer.sameHost, mailbox.peers[0]!.sameHost], [true, true]);
    },
  },
  {
    name: "who receives is told whose process has sent each datagram",
    when: ({ tellsSenders }) => tellsSenders === true,
    play: async (stage) => {
      const { mailbox, sender } = await stage.post();
      await stage.delivered(sender, numbered(1, Math.min(8, sender.bytesMax)), mailbox);
      const [{ pid, uid, gid } = {}] = mailbox.peers;
      const own = userInfo();
      deepEqual([uid, gid], [own.uid, own.gid]);
      ok(pid !== undefined && pid > 0);
    },
  },
];

function severalReceive({ broadcast }: TransportCapabilities): boolean {
  return broadcast === true;
}
