import type { Message } from "../message.ts";
import type { Binding, Matcher } from "./exchange.ts";

const oneWord = "*";
const manyWords = "#";

class Node {
  readonly parent: Node | undefined;
  readonly word: string;
  /** By the next word; `*` and `#` are among them. */
  children: Map<string, Node> | undefined;
  bindings: Set<Binding> | undefined;
  /** The step in which it was reached last. */
  met = 0;

  constructor(parent: Node | undefined, word: string) {
    this.parent = parent;
    this.word = word;
  }
}

/**
 * Of a topic exchange: patterns of words between dots, where `*` stands for one word and `#` for any number of them. All patterns
 * are in one tree, and a key goes down all its branches at once, word by word, each node at most once for a word: a pattern of
 * many `#` costs no more than another one of its length.
 */
export class TopicPatterns implements Matcher {
  readonly looksAt = "key";
  readonly #root = new Node(undefined, "");
  #step = 0;
  #here: Node[] = [];
  #next: Node[] = [];

  add(binding: Binding): void {
    let node = this.#root;
    for (const word of wordsOf(binding.terms.routingKey)) {
      node.children ??= new Map();
      let child = node.children.get(word);
      if (child === undefined) node.children.set(word, (child = new Node(node, word)));
      node = child;
    }
    node.bindings ??= new Set();
    node.bindings.add(binding);
  }

  remove(binding: Binding): void {
    let node: Node | undefined = this.#root;
    for (const word of wordsOf(binding.terms.routingKey)) node = node?.children?.get(word);
    node?.bindings?.delete(binding);
    while (node !== undefined && !node.bindings?.size && !node.children?.size) {
      node.parent?.children?.delete(node.word);
      node = node.parent;
    }
  }

  match(keys: readonly string[], _message: Message, found: Binding[]): void {
    for (const key of keys) this.#matchKey(key, found);
  }

  #matchKey(key: string, found: Binding[]): void {
    this.#step++;
    this.#here.length = 0;
    this.#reach(this.#root, this.#here);
    for (const word of wordsOf(key)) {
      this.#step++;
      this.#next.length = 0;
      for (const node of this.#here) {
        // `#` takes this word too, and goes on.
        if (node.word === manyWords) this.#reach(node, this.#next);
        this.#reach(node.children?.get(word), this.#next);
        this.#reach(node.children?.get(oneWord), this.#next);
      }
      [this.#here, this.#next] = [this.#next, this.#here];
      if (this.#here.length === 0) return;
    }
    for (const { bindings } of this.#here)
      if (bindings !== undefined) for (const binding of bindings) found.push(binding);
  }

  /** A node, and what is behind its `#` when that stands for no word. */
  #reach(node: Node | undefined, among: Node[]): void {
    for (let each = node; each !== undefined; each = each.children?.get(manyWords)) {
      if (each.met === this.#step) return;
      each.met = this.#step;
      among.push(each);
    }
  }
}

/** An empty key has no word at all, as in RabbitMQ: `#` and the empty pattern fit it, `*` does not. */
function wordsOf(key: string): readonly string[] {
  return key === "" ? [] : key.split(".");
}
