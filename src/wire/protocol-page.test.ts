import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { FrameType } from "./frame-type.ts";
import { FrameView } from "./frame-view.ts";
import { readSetup, writeSetup } from "./setup.ts";

/** The frames that docs/protocol.md draws: each a block of lines, hexadecimal digits and then words. */
function drawn(): Buffer[] {
  const page = readFileSync(new URL("../../docs/protocol.md", import.meta.url), "utf8");
  const layer = page.slice(page.indexOf("### Two frames"), page.indexOf("## The data of SETUP"));
  return [...layer.matchAll(/```text\n([^`]*)```/g)].map(([, block]) => {
    const lines = block!.trimEnd().split("\n");
    const hex = lines.map((line) => /^((?:[0-9a-f]{2})+(?: (?:[0-9a-f]{2})+)*)  /.exec(line)![1]!);
    return Buffer.from(hex.join("").replaceAll(" ", ""), "hex");
  });
}

test("the frames that the protocol page draws are frames", () => {
  const [setupFrame, request, ...others] = drawn();
  assert.ok(setupFrame !== undefined && request !== undefined && others.length === 0);
  const view = new FrameView();

  assert.equal(view.read(setupFrame, 0, setupFrame.length), undefined);
  const setup = readSetup(setupFrame, view);
  assert.ok(typeof setup !== "string");
  assert.equal(setup.keepaliveMs, 5_000);
  assert.equal(setup.metadataMime, "application/vnd.trunkline.v1");
  const written = Buffer.alloc(200);
  const end = writeSetup(written, 0, setup);
  assert.deepEqual(written.subarray(0, end), setupFrame);

  assert.equal(view.read(request, 0, request.length), undefined);
  assert.equal(view.type, FrameType.REQUEST_STREAM);
  assert.deepEqual([view.streamId, view.requestN], [1, 8]);
  assert.equal(request.toString("utf8", view.dataFrom, view.dataTo), "[1]");
});
