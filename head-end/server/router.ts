/** What a path leads to, with the path's variable parts in their order. */
export interface Found<T> {
  readonly value: T;
  readonly ids: readonly string[];
}

interface Node<T> {
  readonly constants: Map<string, Node<T>>;
  variable: Node<T> | undefined;
  value: T | undefined;
}

const newNode = <T>(): Node<T> => ({ constants: new Map(), variable: undefined, value: undefined });

/** Finds what stands for a path: `/edev/{id1}/frq` has one variable part. A constant part goes before a variable one. */
export class Router<T> {
  readonly #root = newNode<T>();
  /** Patterns without variable parts: one look-up, nothing allocated. */
  readonly #constant = new Map<string, Found<T>>();

  add(pattern: string, value: T): void {
    if (!pattern.includes('{')) this.#constant.set(pattern, { value, ids: [] });
    let node = this.#root;
    for (const part of pattern.slice(1).split('/')) {
      if (part.startsWith('{')) {
        node.variable ??= newNode();
        node = node.variable;
      } else {
        const next = node.constants.get(part) ?? newNode<T>();
        node.constants.set(part, next);
        node = next;
      }
    }
    node.value = value;
  }

  find(path: string): Found<T> | undefined {
    const constant = this.#constant.get(path);
    if (constant !== undefined) return constant;
    if (!path.startsWith('/')) return undefined;
    const ids: string[] = [];
    let node = this.#root;
    for (let from = 1; from <= path.length; ) {
      const slash = path.indexOf('/', from);
      const end = slash < 0 ? path.length : slash;
      const part = path.slice(from, end);
      const next = node.constants.get(part) ?? (part === '' ? undefined : node.variable);
      if (next === undefined) return undefined;
      if (next === node.variable) ids.push(part);
      node = next;
      from = end + 1;
      // A slash at the end is an empty part.
      if (slash === path.length - 1) return undefined;
    }
    return node.value === undefined ? undefined : { value: node.value, ids };
  }
}
