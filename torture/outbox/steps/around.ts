/** The same object, whose functions are called by `call`, which is given their names. */
export function around<T extends object>(
  target: T,
  call: (name: string, args: readonly unknown[], inner: () => unknown) => unknown,
): T {
  return new Proxy(target, {
    get(of, name): unknown {
      const value: unknown = Reflect.get(of, name, of);
      if (typeof value !== "function") return value;
      return (...args: unknown[]): unknown =>
        call(String(name), args, () => Reflect.apply(value, of, args) as unknown);
    },
  });
}
