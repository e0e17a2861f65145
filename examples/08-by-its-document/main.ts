// Calls a service that somebody else wrote, by its OpenAPI document. `library.contract.ts` was made of it:
//   trunkline import openapi library.json --out library.contract.ts
import { client } from "trunkline";
import { rest } from "trunkline/protocol/rest";
import { Library, libraryBinding } from "./library.contract.ts";
import { openLibrary } from "./library.ts";

const somebodyElses = await openLibrary();

// The paths are the document's, so nothing names a version of ours.
const protocols = [rest({ bindings: [libraryBinding], versions: "none" })];
await using library = client(Library, somebodyElses.address, { protocols });

for (const { title, lentTo } of await library.listBooks({ shelf: "poetry", "page-size": 2 }))
  console.log((lentTo ?? "") === "" ? title : `${title}, lent to ${lentTo}`);

// An answer with a status of failure is an error of the contract, with the body as its data.
const missing = await library.getBook.result({ isbn: "0" });
if (!missing.ok && missing.error.code === "NOT_FOUND")
  console.log(`${missing.error.code}: ${missing.error.data.message}`);

// What the document does not describe is not taken for an answer.
const odd = await library.getBook.result({ isbn: "odd" });
if (!odd.ok) console.log(`${odd.error.code}, executed: ${odd.error.executed}`);

await somebodyElses.close();
