import assert from "node:assert/strict";
import { test } from "node:test";
import { Flag, FrameType, type RequestType } from "./frame-type.ts";
import {
  afterRequester,
  afterResponder,
  begin,
  ignored,
  type StreamState,
} from "./stream-state.ts";

const { REQUEST_RESPONSE, REQUEST_FNF, REQUEST_STREAM, REQUEST_CHANNEL } = FrameType;

/** `>` is sent by the requester, `<` by the responder; F, C, N are the flags; the first is the request. */
type Step = string;

const words: Record<string, number> = {
  PAYLOAD: FrameType.PAYLOAD,
  ERROR: FrameType.ERROR,
  CANCEL: FrameType.CANCEL,
  REQUEST_N: FrameType.REQUEST_N,
  REQUEST_RESPONSE,
};

function flagsIn(text: string | undefined): number {
  let flags = 0;
  if (text?.includes("F") === true) flags |= Flag.FOLLOWS;
  if (text?.includes("C") === true) flags |= Flag.COMPLETE;
  if (text?.includes("N") === true) flags |= Flag.NEXT;
  return flags;
}

/** Plays the steps; the state after the last, `ignored` as soon as a step is. */
function play(begun: RequestType, flags: string, steps: readonly Step[]): StreamState {
  let state = begin(begun, flagsIn(flags));
  for (const step of steps) {
    const [side, word, frameFlags] = step.split(" ");
    const after = side === ">" ? afterRequester : afterResponder;
    state = after(begun, state, words[word!]!, flagsIn(frameFlags));
    if (state === ignored) return ignored;
  }
  return state;
}

type Case = readonly [what: string, begun: RequestType, flags: string, steps: readonly Step[]];

/** The sequences of section "Stream Sequences and Lifetimes". */
const ending: readonly Case[] = [
  ["a response", REQUEST_RESPONSE, "", ["< PAYLOAD NC"]],
  ["a response without COMPLETE", REQUEST_RESPONSE, "", ["< PAYLOAD N"]],
  [
    "a response in fragments",
    REQUEST_RESPONSE,
    "",
    ["< PAYLOAD NF", "< PAYLOAD NF", "< PAYLOAD NC"],
  ],
  ["an error instead of a response", REQUEST_RESPONSE, "", ["< ERROR"]],
  [
    "a request in fragments",
    REQUEST_RESPONSE,
    "F",
    ["> PAYLOAD NF", "> PAYLOAD N", "< PAYLOAD NC"],
  ],
  ["a cancelled request", REQUEST_RESPONSE, "", ["> CANCEL"]],
  [
    "a request cancelled between its fragments",
    REQUEST_RESPONSE,
    "F",
    ["> PAYLOAD NF", "> CANCEL"],
  ],
  ["a request rejected between its fragments", REQUEST_RESPONSE, "F", ["> PAYLOAD NF", "< ERROR"]],
  ["a request answered between its fragments", REQUEST_RESPONSE, "F", ["< PAYLOAD NC"]],
  ["a notification", REQUEST_FNF, "", []],
  ["a notification in fragments", REQUEST_FNF, "F", ["> PAYLOAD NF", "> PAYLOAD N"]],
  ["a stream", REQUEST_STREAM, "", ["< PAYLOAD N", "> REQUEST_N", "< PAYLOAD N", "< PAYLOAD C"]],
  ["a stream with a last item", REQUEST_STREAM, "", ["< PAYLOAD NC"]],
  ["a stream that fails", REQUEST_STREAM, "", ["< PAYLOAD N", "< ERROR"]],
  ["a stream that is cancelled", REQUEST_STREAM, "", ["< PAYLOAD N", "> CANCEL"]],
  ["a stream cancelled within an item", REQUEST_STREAM, "", ["< PAYLOAD NF", "> CANCEL"]],
  [
    "a channel that both complete",
    REQUEST_CHANNEL,
    "",
    ["< REQUEST_N", "> PAYLOAD N", "< PAYLOAD N", "> PAYLOAD C", "> REQUEST_N", "< PAYLOAD NC"],
  ],
  ["a channel complete from the start", REQUEST_CHANNEL, "C", ["< PAYLOAD C"]],
  [
    "a channel with a first item in fragments",
    REQUEST_CHANNEL,
    "FC",
    ["< PAYLOAD C", "> PAYLOAD N"],
  ],
  ["a channel that fails in the requester", REQUEST_CHANNEL, "", ["< PAYLOAD N", "> ERROR"]],
  [
    "a channel that fails after the responder's end",
    REQUEST_CHANNEL,
    "",
    ["< PAYLOAD C", "> ERROR"],
  ],
  ["a channel that fails in the responder", REQUEST_CHANNEL, "", ["> PAYLOAD N", "< ERROR"]],
  [
    "a channel cancelled after the requester's end",
    REQUEST_CHANNEL,
    "",
    ["> PAYLOAD C", "> CANCEL"],
  ],
  ["a channel whose items nobody wants", REQUEST_CHANNEL, "", ["< CANCEL", "< PAYLOAD C"]],
];

for (const [what, begun, flags, steps] of ending) {
  test(`${what} ends its stream with the last frame and not before`, () => {
    assert.equal(play(begun, flags, steps), 0);
    for (let length = 0; length < steps.length; length++) {
      assert.ok(play(begun, flags, steps.slice(0, length)) > 0, steps[length]);
    }
  });
}

const pointless: readonly Case[] = [
  ["credit for one response", REQUEST_RESPONSE, "", ["> REQUEST_N"]],
  ["an item to a call", REQUEST_RESPONSE, "", ["> PAYLOAD N"]],
  ["a fragment after the last", REQUEST_RESPONSE, "F", ["> PAYLOAD N", "> PAYLOAD N"]],
  ["an error from the caller", REQUEST_RESPONSE, "", ["> ERROR"]],
  ["a second request on the stream", REQUEST_RESPONSE, "", ["> REQUEST_RESPONSE"]],
  ["a request of the responder", REQUEST_RESPONSE, "", ["< REQUEST_RESPONSE"]],
  ["a cancel of the responder", REQUEST_RESPONSE, "", ["< CANCEL"]],
  ["an answer to a notification", REQUEST_FNF, "F", ["< PAYLOAD NC"]],
  ["an error to a notification", REQUEST_FNF, "F", ["< ERROR"]],
  ["credit for a notification", REQUEST_FNF, "F", ["> REQUEST_N"]],
  ["an item after the end", REQUEST_STREAM, "", ["< PAYLOAD C", "< PAYLOAD N"]],
  ["an item after the cancel", REQUEST_STREAM, "", ["> CANCEL", "< PAYLOAD N"]],
  ["a cancel after the cancel", REQUEST_STREAM, "", ["> CANCEL", "> CANCEL"]],
  ["an item to a stream", REQUEST_STREAM, "", ["> PAYLOAD N"]],
  ["credit from a responder that gets no items", REQUEST_STREAM, "", ["< REQUEST_N"]],
  ["an item after the requester's end", REQUEST_CHANNEL, "C", ["> PAYLOAD N"]],
  ["credit after the requester's end", REQUEST_CHANNEL, "C", ["< REQUEST_N"]],
  ["credit after the responder's end", REQUEST_CHANNEL, "", ["< PAYLOAD C", "> REQUEST_N"]],
  ["an item after the responder's cancel", REQUEST_CHANNEL, "", ["< CANCEL", "> PAYLOAD N"]],
];

for (const [what, begun, flags, steps] of pointless) {
  test(`${what} is ignored, and only that`, () => {
    assert.ok(play(begun, flags, steps.slice(0, -1)) >= 0);
    assert.equal(play(begun, flags, steps), ignored);
  });
}

test("credit may come while an item is in fragments", () => {
  assert.ok(
    play(REQUEST_STREAM, "F", ["> REQUEST_N", "> PAYLOAD N", "< PAYLOAD NF", "> REQUEST_N"]) > 0,
  );
});
