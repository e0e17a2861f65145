import { throws } from "node:assert/strict";
import { suite, test } from "node:test";
import { Observer } from "./observer.ts";

/** What the client sends (`>`) and the server answers (`<`), as frames in hexadecimal. */
function watch(...frames: readonly string[]): void {
  const observer = new Observer();
  observer.sent(Buffer.from("0000000004000001000000000001000000010000", "hex"));
  for (const line of frames) {
    const frame = Buffer.from(line.slice(1).replaceAll(" ", ""), "hex");
    if (line.startsWith(">")) observer.sent(frame);
    else observer.received(frame, 0, frame.length);
  }
}

const call = "> 00000001 1000";
const stream = "> 00000001 1800 00000002";
const item = "< 00000001 2820 37";
const end = "< 00000001 2840";
const channel = "> 00000001 1c00 00000001";
const grant = "< 00000001 2000 00000002";
const given = "> 00000001 2820 37";
const broken = "< 00000000 2c00 00000101";

/** Without these the fuzzing would pass by seeing nothing. */
suite("the observer of a server", () => {
  test("is content with what a good server does", () => {
    watch(call, "< 00000001 2860 37");
    watch(stream, item, item, end);
    watch(stream, item, "> 00000001 2000 00000001", item, item, "< 00000001 2c00 00000201");
    watch(stream, "< 00000001 28a0 37", item, item, end);
    watch("> 00000000 0c80 0000000000000000 6b", "< 00000000 0c00 0000000000000000 6b");
    watch("> 00000001 1080", "> 00000001 28a0 37", "> 00000001 2820", "< 00000001 2860 37");
    watch("> 00000001 1080", "< 00000001 2c00 00000202");
    watch("> 80000001 1000", "< 00000000 2c00 00000101");
    watch(channel, grant, given, given, "> 00000001 2840", "< 00000001 2860 37");
    watch(channel, grant, given, "< 00000001 2400", given, "< 00000001 2860 37");
    watch(channel, given, broken);
    watch(channel, grant, given, given, given, broken);
    watch("< 00000002 1000", "> 00000002 2860 37", "< 00000004 1000", "< 00000004 2400");
  });

  const complaints: readonly (readonly [what: string, says: RegExp, ...frames: string[]])[] = [
    ["a frame that is none", /the server sent/, "< 00000001 1100 000009"],
    ["an answer that nobody asked for", /nothing was asked/, end],
    ["two answers", /has ended/, call, "< 00000001 2860 37", "< 00000001 2860 37"],
    ["an answer to a notification", /nothing was asked/, "> 00000001 1400", end],
    ["more items than credit", /3 items, 2 allowed/, stream, item, item, item],
    ["a request", /REQUEST_RESPONSE/, call, "< 00000001 1000"],
    ["credit for what sends no items", /no channel/, call, grant],
    ["a channel closed that was granted", /without reason/, channel, grant, given, given, broken],
    ["a call back under an old number", /given before/, "< 00000002 1000", "< 00000002 1000"],
    ["an answer to what it has asked itself", /PAYLOAD/, "< 00000002 1000", "< 00000002 2840"],
    [
      "another echo",
      /is echoed/,
      "> 00000000 0c80 0000000000000000 6b",
      "< 00000000 0c00 0000000000000000 6c",
    ],
    [
      "a frame after the last word",
      /after ERROR/,
      "> 80000001 1000",
      "< 00000000 2c00 00000101",
      end,
    ],
    [
      "an answer before the request is whole",
      /fragments are missing/,
      "> 00000001 1080",
      "> 00000001 28a0 37",
      "< 00000001 2860 37",
    ],
    [
      "a close for fragments",
      /without reason/,
      "> 00000001 1080",
      "> 00000001 28a0 37",
      "> 00000009 28a0 37",
      "< 00000000 2c00 00000101",
    ],
    [
      "an item in fragments without credit",
      /2 items, 1 allowed/,
      "> 00000001 1800 00000001",
      "< 00000001 28a0 37",
      "< 00000001 2820 37",
      "< 00000001 28a0 37",
    ],
    [
      "a close for frames to ignore",
      /without reason/,
      "> 00000009 2400",
      "< 00000000 2c00 00000101",
    ],
  ];

  for (const [what, says, ...frames] of complaints) {
    test(`complains of ${what}`, () => throws(() => watch(...frames), says));
  }
});
