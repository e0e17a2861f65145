import { createHash } from "node:crypto";
import { isRecord } from "../../../../schema/dialect.ts";
import type { OpenApiDocument } from "../document.ts";
import { html, Html, told } from "./html.ts";
import { methodHtml, operationHtml, pathHtml, type Listed } from "./operation-html.ts";
import { schemaHtml } from "./schema-html.ts";
import { script } from "./script.ts";
import { style } from "./style.ts";

/** A page, and the header with which it has to be sent. */
export interface DocumentationPage {
  /** The whole page; it loads nothing, from nowhere. */
  readonly html: string;
  /** `Content-Security-Policy`: its own style and script, requests to its own server, nothing else. */
  readonly policy: string;
}

/**
 * An OpenAPI document as a page for people: every operation with what it takes and answers, a line for curl, a form to try it. Everything
 * is in it, and readable without scripts. What the document says is shown as text, whatever it holds.
 */
export function documentationPage(document: OpenApiDocument): DocumentationPage {
  const { info, tags, components } = document;
  const listed = listedIn(document);
  const title = told(info["title"]);
  const groups = groupsOf(tags, listed);
  const page = html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <title>${title}</title>
        ${styleTag}
      </head>
      <body>
        <a class="skip" href="#content">To the operations</a>
        <nav aria-label="Operations">
          <input
            type="search"
            id="search"
            placeholder="Search"
            aria-label="Search operations"
            hidden
          />
          ${groups.map(({ name, operations }) => navigationHtml(name, operations))}
        </nav>
        <main id="content">
          <header>
            <h1>${title} <small>${told(info["version"])}</small></h1>
            ${typeof info["description"] === "string" && html`<p>${info["description"]}</p>`}
            <p class="links">
              <a href="openapi.json">openapi.json</a> <span>OpenAPI ${document.openapi}</span>
            </p>
          </header>
          ${groups.map(
            ({ name, description, operations }) =>
              html`<h2 id="tag-${name}">${name}</h2>
                ${description !== undefined && html`<p class="about">${description}</p>`}
                ${operations.map((each) => operationHtml(each, components as Components))}`,
          )}
          ${everywhereHtml(components["responses"])} ${schemasHtml(components["schemas"])}
        </main>
        ${scriptTag}
      </body>
    </html> `;
  return { html: page.text, policy };
}

type Components = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

// Not as part of a larger piece: the policy knows them by their hash, to the last space.
const styleTag = new Html(`<style>${style}</style>`);
const scriptTag = new Html(`<script>${script}</script>`);

function hashOf(text: string): string {
  return `'sha256-${createHash("sha256").update(text).digest("base64")}'`;
}

const policy = [
  "default-src 'none'",
  `style-src ${hashOf(style)}`,
  `script-src ${hashOf(script)}`,
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ");

const methods: ReadonlySet<string> = new Set(["get", "post", "put", "patch", "delete"]);

function listedIn({ paths }: OpenApiDocument): Listed[] {
  return Object.entries(paths).flatMap(([path, item]) =>
    Object.entries(item).flatMap(([method, operation]) => {
      if (!methods.has(method) || !isRecord(operation)) return [];
      const anchor = told(operation["operationId"]) || `${method}${path}`;
      return [{ method, path, anchor, operation }];
    }),
  );
}

interface Group {
  readonly name: string;
  readonly description: string | undefined;
  readonly operations: readonly Listed[];
}

function groupsOf(tags: OpenApiDocument["tags"], listed: readonly Listed[]): Group[] {
  return tags
    .map(({ name, description }) => ({
      name: told(name),
      description: typeof description === "string" ? description : undefined,
      operations: listed.filter(
        ({ operation: { tags: own } }) => Array.isArray(own) && own.includes(name),
      ),
    }))
    .filter(({ operations }) => operations.length > 0);
}

function navigationHtml(name: string, operations: readonly Listed[]): Html {
  const rows = operations.map(
    ({ anchor, method, path }) =>
      html`<li>
        <a href="#${anchor}">${methodHtml(method)} <span class="path">${pathHtml(path)}</span></a>
      </li>`,
  );
  return html`<h2><a href="#tag-${name}">${name}</a></h2>
    <ul>
      ${rows}
    </ul>`;
}

function everywhereHtml(responses: unknown): Html {
  const shared = Object.values(isRecord(responses) ? responses : {});
  const rows = shared.map(
    (response) => html`<li><p>${isRecord(response) && told(response["description"])}</p></li>`,
  );
  return html`<section id="everywhere">
    <h2>Every operation</h2>
    <ul class="fields">
      ${rows}
    </ul>
    <p>
      Failures are <code>application/problem+json</code> (RFC 9457). Their <code>code</code> says
      what happened, and <code>executed</code> whether the work was done: after <code>no</code> it
      is safe to try again.
    </p>
    <ul class="fields">
      <li>
        <code class="name">trunkline-timeout-ms</code> <span class="where">header</span>
        <p>How many milliseconds you wait for the answer; the server gives up then too.</p>
      </li>
      <li>
        <code class="name">traceparent</code> <span class="where">header</span>
        <p>The trace that the request is part of (W3C Trace Context).</p>
      </li>
    </ul>
  </section>`;
}

function schemasHtml(schemas: unknown): Html | undefined {
  const all = Object.entries(isRecord(schemas) ? schemas : {});
  if (all.length === 0) return undefined;
  const sections = all.map(([name, schema]) => {
    const description = isRecord(schema) ? schema["description"] : undefined;
    return html`<section class="schema" id="schema-${name}">
      <h3>${name}</h3>
      ${typeof description === "string" && html`<p>${description}</p>`} ${schemaHtml(schema)}
    </section>`;
  });
  return html`<h2 id="schemas">Schemas</h2>
    ${sections}`;
}
