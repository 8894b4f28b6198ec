import { apiBase, type Content, itemsOf, type OperatorParts, type OperatorRoute, reference } from './operation.ts';
import { absent } from './refusals.ts';

interface Named {
  /** Of the operation, in camel case. */
  readonly id: string;
  readonly summary: string;
  /** Statuses of problems beside those that all such operations have. */
  readonly refusals?: readonly number[];
}

interface Written extends Named {
  readonly body: Content;
}

/** Records of one kind that operators list, read, write and remove one by one, each under an id. */
export interface RecordSet<Shown extends { readonly id: string }> {
  /** Below `/api/v1`: `/redirects`. */
  readonly path: string;
  /** What one of them is called, in paths and in words. */
  readonly noun: string;
  readonly tag: string;
  /** The component that describes one of them. */
  readonly schema: string;
  readonly all: (parts: OperatorParts) => readonly Shown[];
  readonly at: (id: string, parts: OperatorParts) => Shown | undefined;
  readonly list: Named;
  readonly get: Named;
  /** Under an id of the server's making, which it answers. */
  readonly add?: Written & { readonly store: (body: unknown, parts: OperatorParts) => Promise<string> };
  /** In the place of the one that is there; `mayCreate`: or under an id of the operator's. */
  readonly put?: Written & {
    readonly mayCreate: boolean;
    readonly store: (id: string, body: unknown, parts: OperatorParts) => Promise<'created' | 'replaced'>;
  };
  readonly remove: Named & { readonly drop: (record: Shown, parts: OperatorParts) => Promise<unknown> };
}

/** The routes of a set, one an operation that it has. */
export function recordRoutes<Shown extends { readonly id: string }>(set: RecordSet<Shown>): readonly OperatorRoute[] {
  const { path, noun, tag, add, put, remove } = set;
  const one = `${path}/{${noun}}`;
  const shown = { schema: reference(set.schema) };
  const placeOf = (id: string): string => `${apiBase}${path}/${id}`;
  const present = (id: string | undefined, parts: OperatorParts): Shown => {
    const record = set.at(id ?? '', parts);
    if (record === undefined) throw absent(`${noun} ${id}`, `${apiBase}${path}`);
    return record;
  };
  const added = (id: string, parts: OperatorParts) => ({
    status: 201,
    location: placeOf(id),
    body: present(id, parts),
  });

  const routes: OperatorRoute[] = [
    {
      method: 'GET',
      path,
      operation: {
        ...described(set.list, tag, 'read'),
        answers: { 200: { what: 'The list', schema: itemsOf(shown.schema) } },
      },
      handle: ({ parts }) => ({ status: 200, body: { items: set.all(parts) } }),
    },
    {
      method: 'GET',
      path: one,
      operation: { ...described(set.get, tag, 'read', 404), answers: { 200: { what: 'As it stands', ...shown } } },
      handle: ({ parts, params }) => ({ status: 200, body: present(params[noun], parts) }),
    },
    {
      method: 'DELETE',
      path: one,
      operation: { ...described(remove, tag, 'operate', 404), answers: { 204: null } },
      handle: async ({ parts, params }) => {
        await remove.drop(present(params[noun], parts), parts);
        return { status: 204 };
      },
    },
  ];
  if (add !== undefined) {
    routes.push({
      method: 'POST',
      path,
      operation: {
        ...described(add, tag, 'operate', 409, 413, 422),
        body: add.body,
        answers: { 201: { what: 'A new one; Location has its path', ...shown } },
      },
      handle: async ({ parts, body }) => added(await add.store(body, parts), parts),
    });
  }
  if (put !== undefined) {
    routes.push({
      method: 'PUT',
      path: one,
      operation: {
        ...described(put, tag, 'operate', 404, 413, 422),
        body: put.body,
        answers: {
          200: { what: 'As it stands now', ...shown },
          ...(put.mayCreate && { 201: { what: 'A new one', ...shown } }),
        },
      },
      handle: async ({ parts, params, body }) => {
        const id = params[noun] ?? '';
        if (!put.mayCreate) present(id, parts);
        const outcome = await put.store(id, body, parts);
        return outcome === 'created' ? added(id, parts) : { status: 200, body: present(id, parts) };
      },
    });
  }
  return routes;
}

const described = (
  { id, summary, refusals = [] }: Named,
  tag: string,
  needs: 'read' | 'operate',
  ...usual: number[]
) => {
  const all = [...usual, ...refusals].toSorted((a, b) => a - b);
  return { id, tag, needs, summary, ...(all.length > 0 && { refusals: all }) };
};
