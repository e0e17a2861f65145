/** What the page does where scripts run: the true address in curl lines, copying, searching, sending. */
export const script: string = `
"use strict";
const origin = location.origin;
for (const line of document.querySelectorAll(".curl code")) {
  line.textContent = line.textContent.replace("ORIGIN", origin);
  const copy = document.createElement("button");
  copy.textContent = "Copy";
  copy.addEventListener("click", async () => {
    await navigator.clipboard?.writeText(line.textContent);
    copy.textContent = "Copied";
    setTimeout(() => { copy.textContent = "Copy"; }, 1500);
  });
  line.parentElement.append(copy);
}
const search = document.getElementById("search");
search.hidden = false;
search.addEventListener("input", () => {
  const wanted = search.value.trim().toLowerCase();
  for (const row of document.querySelectorAll("nav li"))
    row.hidden = !row.textContent.toLowerCase().includes(wanted);
});
// Of an answer, and of a stream as long as it lasts.
const shownMax = 100000;
for (const details of document.querySelectorAll(".try")) {
  details.hidden = false;
  const form = details.querySelector("form");
  const output = details.querySelector("output");
  const stop = form.elements.stop;
  let under;
  stop.addEventListener("click", () => under.abort());
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    under = new AbortController();
    stop.hidden = false;
    const { method, type, accept } = form.dataset;
    const fields = form.elements;
    const headers = new Headers();
    if (type) headers.set("content-type", type);
    if (accept) headers.set("accept", accept);
    if (fields.authorization.value) headers.set("authorization", fields.authorization.value);
    const shown = document.createElement("pre");
    output.replaceChildren(shown);
    try {
      if (!/^\\/(?!\\/)/.test(fields.path.value)) throw new Error("the path begins with /");
      const options = { method, headers, signal: under.signal };
      if (fields.body) options.body = fields.body.value;
      const answer = await fetch(fields.path.value, options);
      shown.textContent = answer.status + " " + answer.statusText + "\\n\\n";
      const reader = answer.body?.pipeThrough(new TextDecoderStream()).getReader();
      for (let part = await reader?.read(); part && !part.done; part = await reader.read()) {
        shown.append(part.value);
        if (shown.textContent.length > shownMax) under.abort();
      }
      if (/json$/.test(answer.headers.get("content-type")?.split(";")[0] ?? "")) {
        const [head, ...body] = shown.textContent.split("\\n\\n");
        try { shown.textContent = head + "\\n\\n" + JSON.stringify(JSON.parse(body.join("\\n\\n")), null, 2); } catch {}
      }
    } catch (error) {
      shown.append((shown.textContent ? "\\n" : "") + error.message);
    }
    stop.hidden = true;
  });
}
`;
