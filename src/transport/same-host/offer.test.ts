import { deepEqual, equal, notEqual } from "node:assert/strict";
import { test } from "node:test";

import { doorProblem } from "./door-folder.ts";
import { readOffer, tokenBytes, writeOffer, type Offer } from "./offer.ts";

const offer: Offer = {
  ends: "127.0.0.1:40000>127.0.0.1:7400",
  token: Buffer.alloc(tokenBytes, 7),
  path: "/tmp/trunkline-0/17-0badcafe.sock",
  next: "shm/1",
};

test("an offer is read as it was written", () => {
  deepEqual(readOffer(writeOffer(offer)!), offer);
});

test("the offer of another host, or of another network of this one, is none", () => {
  const [form, host, ...rest] = writeOffer(offer)!.split(" ");
  const [kernel, network] = host!.split(".");
  for (const other of [`000000000000.${network}`, `${kernel}.000000000000`])
    equal(readOffer([form, other, ...rest].join(" ")), undefined);
});

test("an offer with a short token, another form or a path with blanks is none", () => {
  const text = writeOffer(offer)!;
  for (const wrong of [
    "",
    "host/2" + text.slice(6),
    text.replace("07".repeat(tokenBytes), "07"),
    text.replace("/tmp/", "tmp/"),
    text + " ".repeat(512),
  ])
    equal(readOffer(wrong), undefined);
  equal(writeOffer({ ...offer, path: "/tmp/a b/trunkline-0/1-00000000.sock" }), undefined);
});

test("a peer cannot have us connect to whatever it names", async () => {
  for (const path of [
    "/run/docker.sock",
    "/tmp/1-00000000.sock",
    offer.path,
    "/tmp/trunkline-0/../x.sock",
  ])
    notEqual(await doorProblem(path), undefined);
});
