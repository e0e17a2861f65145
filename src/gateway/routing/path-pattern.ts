/** What a path is matched against, made once: `/orders/{id}`, `/static/**`. */
export interface PathPattern {
  readonly text: string;
  /** Decoded, or the name of a parameter. */
  readonly segments: readonly (string | { readonly name: string })[];
  /** Whatever follows belongs to it. */
  readonly open: boolean;
}

/** Why a text is no pattern, or the pattern. */
export function pathPattern(text: string): PathPattern | { readonly problem: string } {
  if (!text.startsWith("/")) return { problem: `${JSON.stringify(text)} must begin with "/"` };
  const open = text.endsWith("/**");
  const own = open ? text.slice(0, -3) : text;
  const parts = own === "" ? [] : own.slice(1).split("/");
  const segments: (string | { readonly name: string })[] = [];
  for (const part of parts) {
    const name = /^\{([A-Za-z_]\w*)\}$/.exec(part)?.[1];
    if (name === undefined && /[{}*?#%\\]/.test(part))
      return {
        problem: `${JSON.stringify(part)} in ${JSON.stringify(text)}: a segment is plain text or "{name}", and "**" stands alone at the end`,
      };
    segments.push(name === undefined ? part : { name });
  }
  return { text, segments, open };
}

/** The longest path that is looked at, in characters; headers as a whole are bounded too. */
const pathCharsMax = 8_192;

/** Segments past which a path is none that anybody meant. */
const segmentsMax = 256;

/**
 * The segments of a path, decoded. Undefined where two programs may read it differently (RFC 3986, 6.2.2 and 7.3): dot segments,
 * empty ones, encoded slashes, backslashes, control characters, what is no UTF-8 or is not escaped. Such a path could pass one rule here and mean
 * another place behind.
 */
export function segmentsOf(path: string): readonly string[] | undefined {
  if (!path.startsWith("/") || path.length > pathCharsMax) return undefined;
  if (!/^[\x21-\x7e]+$/.test(path)) return undefined;
  const parts = path.slice(1).split("/");
  if (parts.length > segmentsMax) return undefined;
  const segments: string[] = [];
  for (const [index, part] of parts.entries()) {
    const segment = decoded(part);
    // Some servers take parameters off a segment before they look at it: "..;x" is ".." to them.
    if (segment === undefined || /^\.\.?(?:;|$)/.test(segment)) return undefined;
    if (/[/\\\p{Cc}]/u.test(segment)) return undefined;
    if (segment === "" && index < parts.length - 1) return undefined;
    segments.push(segment);
  }
  return segments;
}

function decoded(part: string): string | undefined {
  if (!part.includes("%")) return part;
  try {
    return decodeURIComponent(part);
  } catch {
    return undefined;
  }
}

/** The parameters of a path that fits; undefined when it does not. */
export function matchPath(
  { segments, open }: PathPattern,
  path: readonly string[],
): Readonly<Record<string, string>> | undefined {
  // "/static/**" is "/static" too, and "/" is one empty segment.
  const given = path.length === 1 && path[0] === "" ? [] : path;
  if (given.length < segments.length || (!open && given.length > segments.length)) return undefined;
  let parameters: Record<string, string> | undefined;
  for (const [index, segment] of segments.entries()) {
    const part = given[index]!;
    if (typeof segment === "string") {
      if (segment !== part) return undefined;
    } else if (part === "") return undefined;
    else (parameters ??= Object.create(null) as Record<string, string>)[segment.name] = part;
  }
  return parameters ?? none;
}

const none: Readonly<Record<string, string>> = Object.freeze({});
