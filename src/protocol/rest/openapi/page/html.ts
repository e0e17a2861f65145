/** Text that may stand in a page as it is: only what `html` and `raw` made. */
export class Html {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

export type Part = Html | string | number | undefined | false | readonly Part[];

/** A piece of a page: whatever is put into it is escaped, unless it is a piece itself. */
export function html(texts: TemplateStringsArray, ...parts: readonly Part[]): Html {
  return new Html(texts.map((text, index) => text + written(parts[index])).join(""));
}

function written(part: Part): string {
  if (part === undefined || part === false) return "";
  if (part instanceof Html) return part.text;
  if (typeof part === "object") return part.map((each) => written(each)).join("");
  return `${part}`.replaceAll(/[&<>"'`]/g, (char) => `&#${char.charCodeAt(0)};`);
}

/** What a document says where it should say a text. */
export function told(value: unknown): string {
  return typeof value === "string" ? value : "";
}
