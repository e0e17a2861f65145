// A service that knows nothing of Trunkline: `node:http` and JSON.
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

const books = [
  { isbn: "978-1", title: "Sonnets", lentTo: null },
  { isbn: "978-2", title: "Odes", lentTo: "Ada" },
  { isbn: "978-3", title: "Elegies" },
];

export async function openLibrary() {
  const server = createServer((request, response) => {
    const { pathname, searchParams } = new URL(request.url!, "http://library");
    const isbn = /^\/api\/books\/(.+)$/.exec(pathname)?.[1];
    const found =
      isbn === undefined
        ? books.slice(0, Number(searchParams.get("page-size") ?? books.length))
        : isbn === "odd"
          ? { isbn, pages: 12 }
          : books.find((book) => book.isbn === isbn);
    response.writeHead(found === undefined ? 404 : 200, { "content-type": "application/json" });
    response.end(JSON.stringify(found ?? { message: `there is no book ${isbn}` }));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    address: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}
