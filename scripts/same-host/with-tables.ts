/**
 * The page with what stands between `<!-- doctor: TITLE -->` and `<!-- /doctor -->` taken anew from the report's section of that title;
 * what stands above all sections has the title `machine`. Throws where the report has none.
 */
export function withTables(page: string, report: string): string {
  const sections = sectionsOf(report);
  return page.replace(
    /(<!-- doctor: (.+) -->\n)[\s\S]*?(<!-- \/doctor -->)/g,
    (_, from: string, title: string, to: string) => {
      const body = sections.get(title);
      if (body === undefined) throw new Error(`the report has nothing about "${title}"`);
      return `${from}\n${body}\n\n${to}`;
    },
  );
}

/** What stands below each heading. */
function sectionsOf(report: string): Map<string, string> {
  const [head = "", ...others] = report.split("\n## ");
  const below = (text: string): [title: string, body: string] => {
    const end = text.indexOf("\n");
    return [text.slice(0, end), text.slice(end).trim()];
  };
  return new Map([["machine", below(head)[1]], ...others.map(below)]);
}
