/** The look of the page: one column of text beside a list, one under the other on a phone; dark where the reader's system is. */
export const style: string = `
:root {
  --ink: #1d2330; --soft: #5b6577; --line: #e1e5ec; --paper: #ffffff; --tint: #f5f7fa;
  --blue: #1f5fbf; --green: #1b7a43; --amber: #9a5b00; --red: #b3261e; --violet: #6a3fb5;
  --mono: ui-monospace, SFMono-Regular, Menlo, Consolas, "Liberation Mono", monospace;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ink: #dfe4ee; --soft: #97a2b6; --line: #2a3240; --paper: #12161e; --tint: #1a2029;
    --blue: #7fb0ff; --green: #6cd09a; --amber: #f0b45c; --red: #ff8f85; --violet: #c2a3ff;
  }
}
* { box-sizing: border-box; }
html { scroll-behavior: smooth; scroll-padding-top: 1rem; -webkit-text-size-adjust: 100%; }
body {
  margin: 0; color: var(--ink); background: var(--paper);
  font: 16px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif;
  display: grid; grid-template-columns: minmax(15rem, 20rem) minmax(0, 1fr);
}
a { color: var(--blue); text-decoration: none; }
a:hover { text-decoration: underline; }
:focus-visible { outline: 2px solid var(--blue); outline-offset: 2px; border-radius: 3px; }
code, pre, textarea, input[name=path] { font-family: var(--mono); font-size: .875em; }
p { margin: .35rem 0; }
.skip { position: absolute; left: -99rem; }
.skip:focus { left: 1rem; top: .5rem; background: var(--paper); padding: .25rem .5rem; }
nav {
  position: sticky; top: 0; height: 100vh; overflow-y: auto; padding: 1.5rem 1rem 3rem 1.25rem;
  background: var(--tint); border-right: 1px solid var(--line);
}
nav h2 { font-size: .8rem; margin: 1.25rem 0 .35rem; letter-spacing: .04em; }
nav h2 a { color: var(--soft); }
nav ul { list-style: none; margin: 0; padding: 0; }
nav li a {
  display: grid; grid-template-columns: 3.6rem 1fr; align-items: baseline; color: var(--ink);
  padding: .22rem .4rem; border-radius: 5px; font-size: .8rem;
}
nav li a:hover { background: var(--line); text-decoration: none; }
nav .path { font-family: var(--mono); font-size: .92em; overflow-wrap: anywhere; }
nav .method { background: none !important; padding: 0; text-align: left; min-width: 0; font-size: .68rem; }
#search {
  width: 100%; padding: .45rem .6rem; border: 1px solid var(--line); border-radius: 6px;
  background: var(--paper); color: inherit; font: inherit; font-size: .85rem;
}
main { padding: 2.5rem clamp(1rem, 5vw, 4rem) 6rem; max-width: 62rem; }
h1 { font-size: 1.9rem; line-height: 1.2; margin: 0 0 .5rem; letter-spacing: -.01em; }
h1 small { font-size: .9rem; font-weight: 500; color: var(--soft); letter-spacing: 0; margin-left: .35rem; }
.links { display: flex; gap: 1rem; font-size: .875rem; color: var(--soft); }
main > h2 { font-size: 1.25rem; margin: 3rem 0 .25rem; padding-bottom: .4rem; border-bottom: 1px solid var(--line); }
.about { color: var(--soft); font-size: .9rem; }
.operation { padding: 1.5rem 0 1.75rem; border-bottom: 1px solid var(--line); }
.operation h3 { display: flex; flex-wrap: wrap; align-items: baseline; gap: .6rem; margin: 0 0 .35rem; font-size: 1rem; }
.operation h3 .path { font-size: 1.02rem; font-weight: 600; overflow-wrap: anywhere; }
var { font-style: normal; color: var(--violet); }
h4 { font-size: .82rem; margin: 1.1rem 0 .35rem; color: var(--soft); font-weight: 600; }
h4 small { font-weight: 400; }
.method {
  font: 700 .72rem/1 var(--mono); letter-spacing: .03em; color: var(--c); padding: .34rem .45rem;
  border-radius: 5px; min-width: 3.9rem; text-align: center; display: inline-block;
  background: color-mix(in srgb, var(--c) 13%, transparent);
}
.get { --c: var(--green); } .post { --c: var(--blue); } .put, .patch { --c: var(--amber); } .delete { --c: var(--red); }
.deprecated { font-size: .75rem; color: var(--amber); border: 1px solid currentColor; border-radius: 4px; padding: 0 .35rem; }
ul.fields, ul.answers { list-style: none; margin: .25rem 0 0; padding: 0; }
ul.fields > li { padding: .3rem 0; }
ul.fields ul.fields { margin-left: .25rem; padding-left: .9rem; border-left: 2px solid var(--line); }
ul.fields li > p { color: var(--soft); font-size: .9rem; margin: 0; }
.name { font-weight: 600; overflow-wrap: anywhere; }
.optional { color: var(--soft); }
.where, .bound { color: var(--soft); font-size: .8rem; }
.where { border: 1px solid var(--line); border-radius: 4px; padding: 0 .3rem; }
.bound { overflow-wrap: anywhere; }
.type { font-size: .9rem; }
.type code { background: var(--tint); border-radius: 3px; padding: 0 .2rem; }
.content { background: var(--tint); border: 1px solid var(--line); border-radius: 8px; padding: .6rem .9rem; margin: .35rem 0; }
.types { color: var(--soft); font-size: .8rem; overflow-wrap: anywhere; }
ul.answers > li { padding: .3rem 0; }
.status { display: inline-block; min-width: 2.8rem; font: 700 .85rem var(--mono); }
.good { color: var(--green); } .same { color: var(--soft); } .bad { color: var(--red); }
pre {
  margin: .35rem 0; padding: .75rem .9rem; background: var(--tint); border: 1px solid var(--line); border-radius: 8px;
  overflow-x: auto; white-space: pre-wrap; overflow-wrap: anywhere; position: relative;
}
.curl button { position: absolute; top: .4rem; right: .4rem; }
.curl code { display: block; padding-right: 3.5rem; }
button {
  font: inherit; font-size: .8rem; color: var(--ink); background: var(--paper); border: 1px solid var(--line);
  border-radius: 6px; padding: .25rem .7rem; cursor: pointer;
}
button:hover { border-color: var(--soft); }
.try summary { cursor: pointer; font-size: .875rem; color: var(--blue); }
.try form { display: grid; gap: .6rem; margin: .6rem 0; justify-items: start; }
.try label { display: grid; gap: .2rem; width: 100%; font-size: .8rem; color: var(--soft); }
.try input, .try textarea {
  width: 100%; padding: .45rem .6rem; color: var(--ink); background: var(--paper);
  border: 1px solid var(--line); border-radius: 6px; font-size: .85rem;
}
.try output { display: block; }
#everywhere, .schema { padding: .5rem 0 1rem; }
#everywhere h2 { font-size: 1.25rem; margin: 3rem 0 .5rem; padding-bottom: .4rem; border-bottom: 1px solid var(--line); }
.schema h3 { margin: 1rem 0 .2rem; font-size: 1rem; }
:target > h3:first-child { background: color-mix(in srgb, var(--blue) 10%, transparent); border-radius: 6px; box-shadow: 0 0 0 .35rem color-mix(in srgb, var(--blue) 10%, transparent); }
@media (max-width: 46rem) {
  body { display: block; }
  nav { position: static; height: auto; max-height: 45vh; border-right: 0; border-bottom: 1px solid var(--line); padding: 1rem; }
  nav li a { padding: .4rem; }
  main { padding: 1.5rem 1rem 4rem; }
}
@media print { nav, .try, .curl button { display: none !important; } body { display: block; } }
@media (prefers-reduced-motion: reduce) { html { scroll-behavior: auto; } }
`;
