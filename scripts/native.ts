// `npm run native -- build | prebuild | check`: the addon in native/. `build` compiles it for this machine, unless that is done;
// `prebuild` compiles what the package brings; `check` tells whether that is of the sources as they are.
import { compile, isCurrent, prebuiltAddon } from "./native/addon.ts";
import { bringAddon } from "./native/bring.ts";

const [command = "build"] = process.argv.slice(2);

switch (command) {
  case "build":
    process.exitCode = bringAddon() ? 0 : 1;
    break;
  case "prebuild":
    process.exitCode = say(compile({ to: prebuiltAddon }), `made ${prebuiltAddon}`);
    break;
  case "check":
    process.exitCode = say(
      isCurrent(prebuiltAddon)
        ? undefined
        : `${prebuiltAddon} was made of other sources; npm run native -- prebuild makes it anew`,
      `${prebuiltAddon} was made of these sources`,
    );
    break;
  default:
    process.exitCode = say(`there is no "${command}"; there are: build, prebuild, check`, "");
}

function say(problem: string | undefined, done: string): number {
  console.log(problem ?? done);
  return problem === undefined ? 0 : 1;
}
