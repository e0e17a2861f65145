/** `shop.example.com`, or `*.example.com` for all that is below it; without port, in lower case. */
export interface HostPattern {
  readonly name: string;
  readonly below: boolean;
}

/** Why a text is no pattern, or the pattern. */
export function hostPattern(text: string): HostPattern | { readonly problem: string } {
  const below = text.startsWith("*.");
  const name = below ? text.slice(2) : text;
  if (!/^(?:[a-z0-9_](?:[a-z0-9-]{0,62})(?:\.|$))+$|^\[[0-9a-f:]+\]$/.test(name))
    return {
      problem: `${JSON.stringify(text)} is no host: write "shop.example.com" or "*.example.com"`,
    };
  return { name, below };
}

/** The name in a `Host` header or `:authority`, without its port; undefined where there is none that could be one. */
export function hostOf(authority: string | undefined): string | undefined {
  if (authority === undefined) return undefined;
  const name = /^(\[[0-9a-fA-F:]+\]|[A-Za-z0-9._-]{1,255})(?::\d{1,5})?$/.exec(authority)?.[1];
  return name?.toLowerCase().replace(/\.$/, "");
}

export function matchHost({ name, below }: HostPattern, host: string | undefined): boolean {
  if (host === undefined) return false;
  return below ? host.endsWith(`.${name}`) : host === name;
}
