import { doesNotThrow, equal, match, throws } from "node:assert/strict";
import { tmpdir } from "node:os";
import { test } from "node:test";

import { systemError } from "../../base/error.ts";
import { parseAddress } from "../address.ts";
import { dialRefused, listenRefused, notInTime, refuseWindows } from "./refusal.ts";

const address = parseAddress(`unix:${tmpdir()}/no-such-folder/x.sock`);

function system(code: string): NodeJS.ErrnoException {
  return Object.assign(new Error(`connect ${code}`), { code });
}

const both: readonly [code: string, becomes: string, words: RegExp][] = [
  ["EMFILE", "RESOURCE_EXHAUSTED", /as many files open as it may \(EMFILE\)[^]*raise `ulimit -n`/],
  ["ENFILE", "RESOURCE_EXHAUSTED", /the system has as many files open as it may/],
  ["ENOSPC", "RESOURCE_EXHAUSTED", /no space is left[^]*choose another folder/],
  ["EDQUOT", "RESOURCE_EXHAUSTED", /quota/],
  ["ENOBUFS", "RESOURCE_EXHAUSTED", /no memory/],
  ["ENOTDIR", "INVALID_ARGUMENT", /not a folder \(ENOTDIR\)[^]*choose another path/],
  ["ELOOP", "INVALID_ARGUMENT", /in a circle/],
  ["ENAMETOOLONG", "INVALID_ARGUMENT", /too long/],
  ["ESOMETHING", "UNAVAILABLE", /connect ESOMETHING/],
];

for (const [code, becomes, words] of both) {
  test(`${code} becomes ${becomes}, for dialling and for listening`, async () => {
    const cause = system(code);
    for (const error of [await dialRefused(address, cause), await listenRefused(address, cause)]) {
      equal(error.code, becomes);
      equal(error.executed, "no");
      equal(error.endpoint, address.text);
      equal(error.cause, cause);
      match(error.message, words);
    }
  });
}

test("what is not allowed comes with advice for the one who dials, and for the one who listens", async () => {
  const cause = system("EACCES");
  match((await dialRefused(address, cause)).message, /EACCES[^]*run both processes as one user/);
  match(
    (await listenRefused(address, cause)).message,
    /EACCES[^]*choose a folder that this process/,
  );
});

test("a folder that is read-only is not allowed, a file system without hard links is the wrong place", async () => {
  equal((await listenRefused(address, system("EROFS"))).code, "PERMISSION_DENIED");
  for (const code of ["EPERM", "ENOTSUP", "EOPNOTSUPP"]) {
    match(
      (await listenRefused(address, system(code))).message,
      /has no hard links[^]*\/run or \/tmp/,
    );
  }
});

test("a socket of another type is told", async () => {
  match(
    (await dialRefused(address, system("EPROTOTYPE"))).message,
    /INVALID_ARGUMENT .*of another type/,
  );
});

test("what is refused in our own words is passed on", async () => {
  const error = systemError("INVALID_ARGUMENT", "as we said", { executed: "no" });
  equal(await listenRefused(address, error), error);
});

test("not in time says whether a queue was full", () => {
  match(notInTime(address, system("EAGAIN")).message, /its queue is full/);
  match(notInTime(address, undefined).message, /not connected in time/);
});

test("on Windows it is refused before anything is tried, with what to use instead", () => {
  doesNotThrow(() => refuseWindows(address, "sockets", "linux"));
  throws(() => refuseWindows(address, "sockets", "win32"), {
    code: "UNIMPLEMENTED",
    executed: "no",
    message: /no sockets in the file system[^]*tcp:/,
  });
});

test("a folder that the file system does not take is told as that", async () => {
  for (const code of ["ENOENT", "EPERM"]) {
    const cause = Object.assign(system(code), { syscall: "mkdir" });
    const error = await listenRefused(address, cause);
    equal(error.code, "INVALID_ARGUMENT");
    match(error.message, /no-such-folder cannot be made[^]*choose a folder on a local disk/);
  }
});
