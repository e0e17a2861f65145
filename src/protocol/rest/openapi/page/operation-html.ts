import { isRecord } from "../../../../schema/dialect.ts";
import { contentOf, curlLine, requestOf, type Request } from "./curl.ts";
import { html, told, type Html } from "./html.ts";
import { openedHtml, schemaHtml } from "./schema-html.ts";

/** An operation with where it stands in the document. */
export interface Listed {
  readonly method: string;
  readonly path: string;
  /** Of its section in the page. */
  readonly anchor: string;
  readonly operation: Readonly<Record<string, unknown>>;
}

type Components = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

/** What an operation is, takes and answers; a line for the shell; and a form to try it. */
export function operationHtml(listed: Listed, components: Components): Html {
  const { method, path, anchor, operation } = listed;
  const { summary, description, deprecated, operationId } = operation;
  const request = requestOf(method, path, operation, components["schemas"] ?? {});
  const about = told(description) === "" && summary !== operationId ? summary : description;
  return html`<section class="operation" id="${anchor}">
    <h3>
      ${methodHtml(method)}
      <code class="path">${pathHtml(path)}</code>
      ${deprecated === true && html`<span class="deprecated">deprecated</span>`}
    </h3>
    <p>${told(about)}</p>
    ${parametersHtml(operation)} ${bodyHtml(operation["requestBody"], components)}
    <h4>Answers</h4>
    ${responsesHtml(operation["responses"], components)}
    <h4>Try it</h4>
    <pre class="curl"><code>${curlLine(request)}</code></pre>
    ${formHtml(request)}
  </section>`;
}

export function methodHtml(method: string): Html {
  return html`<span class="method ${method}">${method.toUpperCase()}</span>`;
}

/** The parameters stand out; a line may break before each segment. */
export function pathHtml(path: string): Html {
  const parts = path.split(/(\{[^}]*\})/);
  return html`${parts.map((part) =>
    part.startsWith("{")
      ? html`<var>${part}</var>`
      : html`${part.split(/(?=\/)/).map((segment) => html`<wbr />${segment}`)}`,
  )}`;
}

function parametersHtml({ parameters }: Listed["operation"]): Html | undefined {
  if (!Array.isArray(parameters)) return undefined;
  // What all operations understand is told once, below.
  const own = parameters
    .filter(isRecord)
    .filter(({ name }) => !told(name).startsWith("trunkline-"));
  if (own.length === 0) return undefined;
  const rows = own.map(
    ({ name, in: where, required, schema, description }) =>
      html`<li>
        <code class="name">${told(name)}</code
        >${required === true ? undefined : html`<span class="optional" title="may be left out">?</span>`}
        <span class="where">${told(where)}</span> ${schemaHtml(schema)}
        ${typeof description === "string" && html`<p>${description}</p>`}
      </li>`,
  );
  return html`<h4>Parameters</h4>
    <ul class="fields">
      ${rows}
    </ul>`;
}

function bodyHtml(body: unknown, components: Components): Html | undefined {
  if (!isRecord(body)) return undefined;
  const { description, required } = body;
  return html`<h4>Body ${required !== true && html`<small>may be left out</small>`}</h4>
    ${typeof description === "string" && html`<p>${description}</p>`}
    ${contentHtml(body, components)}`;
}

/** One schema under all the media types that it has. */
function contentHtml(part: unknown, components: Components): Html | undefined {
  const content = Object.entries(contentOf(part));
  if (content.length === 0) return undefined;
  const media = content[0]![1];
  const types = content.map(([type]) => html`<code>${type}</code> `);
  const schema = isRecord(media) ? media["schema"] : {};
  return html`<div class="content">
    <div class="types">${types}</div>
    ${codesHtml(schema) ?? openedHtml(schema, components["schemas"] ?? {})}
  </div>`;
}

/** A declared error is a problem of which code and data are known. */
function codesHtml(schema: unknown): Html | undefined {
  if (!isRecord(schema)) return undefined;
  const choices = Array.isArray(schema["oneOf"]) ? schema["oneOf"] : [schema];
  const rows = choices.map((each: unknown) => {
    const { code, data } = fieldsOf(each);
    const only = isRecord(code) ? told(code["const"]) : "";
    if (only === "") return undefined;
    return html`<li>
      <code class="name">${only}</code> ${data !== undefined && html`with ${schemaHtml(data)}`}
    </li>`;
  });
  if (rows.includes(undefined)) return undefined;
  return html`<ul class="fields">
    ${rows}
  </ul>`;
}

function fieldsOf(schema: unknown): Readonly<Record<string, unknown>> {
  const properties = isRecord(schema) ? schema["properties"] : undefined;
  return isRecord(properties) ? properties : {};
}

/** What is referred to holds for every operation, and is told once. */
function responsesHtml(responses: unknown, components: Components): Html {
  const own = Object.entries(isRecord(responses) ? responses : {}).filter(
    ([, response]) => isRecord(response) && !("$ref" in response),
  );
  const rows = own.map(([status, response]) => {
    const kind = status.startsWith("2") ? "good" : status.startsWith("3") ? "same" : "bad";
    const description = isRecord(response) ? told(response["description"]) : "";
    return html`<li>
      <span class="status ${kind}">${status}</span> ${description}
      ${contentHtml(response, components)}
    </li>`;
  });
  return html`<ul class="answers">
    ${rows}
    <li><span class="status bad">other</span> <a href="#everywhere">as every operation</a></li>
  </ul>`;
}

/** Filled in by the page's script; without scripts the line above is there. */
function formHtml({ method, path, contentType, body, accept }: Request): Html | undefined {
  // A browser's form gives no files here, and none is needed to see how it works.
  if (contentType !== undefined && body === undefined) return undefined;
  return html`<details class="try" hidden>
    <summary>Send it from here</summary>
    <form data-method="${method}" data-type="${contentType ?? ""}" data-accept="${accept ?? ""}">
      <label
        >Path <input name="path" value="${path}" spellcheck="false" autocomplete="off"
      /></label>
      ${body !== undefined && html`<label>Body <textarea name="body" rows="4" spellcheck="false">${pretty(body)}</textarea></label>`}
      <label
        >Authorization
        <input name="authorization" placeholder="Bearer …" spellcheck="false" autocomplete="off"
      /></label>
      <button>Send</button> <button type="button" name="stop" hidden>Stop</button>
    </form>
    <output></output>
  </details>`;
}

function pretty(body: string): string {
  return JSON.stringify(JSON.parse(body), null, 2);
}
