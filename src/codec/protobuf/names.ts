/** `orderId`, `order-id` → `order_id`, as Protobuf names fields. Empty when nothing of the text can stand in a name. */
export function snake(text: string): string {
  return words(text).join("_").toLowerCase();
}

/** `orderId`, `order-id` → `OrderId`, as Protobuf names messages and methods. */
export function pascal(text: string): string {
  return words(text)
    .map((word) => word[0]!.toUpperCase() + word.slice(1))
    .join("");
}

/** `order-id` → `ORDER_ID`, as Protobuf names the values of enums. */
export function upperSnake(text: string): string {
  return words(text).join("_").toUpperCase();
}

/** `OrderState` → `ORDER_STATE_`: what the values of an enum begin with, as the linter of buf wants it (no word begins after a digit). */
export function valuePrefix(enumName: string): string {
  const split = enumName
    .replaceAll(/([a-z])([A-Z])/g, "$1_$2")
    .replaceAll(/([A-Z0-9])([A-Z])(?=[a-z])/g, "$1_$2");
  return `${split.toUpperCase()}_`;
}

/** The property that the JSON of Protobuf has for a field, unless the file says another: `order_id` → `orderId`. */
export function jsonNameOf(name: string): string {
  return name.replaceAll(/_+(.?)/g, (_, next: string) => next.toUpperCase());
}

/** A name that is not in `taken`, and now is: `name`, or `name` and a number from 2 on. */
export function unique(name: string, taken: Set<string>, between = ""): string {
  let free = name;
  for (let count = 2; taken.has(free); count++) free = `${name}${between}${count}`;
  taken.add(free);
  return free;
}

function words(text: string): readonly string[] {
  const spaced = text
    .replaceAll(/([a-z0-9])([A-Z])/g, "$1 $2")
    .replaceAll(/([A-Z]+)([A-Z][a-z])/g, "$1 $2");
  const found = spaced.split(/[^A-Za-z0-9]+/).filter((word) => word !== "");
  // A name must not begin with a digit.
  return found.length > 0 && /^\d/.test(found[0]!) ? [`n${found[0]!}`, ...found.slice(1)] : found;
}
