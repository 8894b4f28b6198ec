/** How a resource takes a method: mandatory, optional, discouraged, or an error (405). */
export type MethodMode = 'M' | 'O' | 'D' | 'E';

export const wadlMethods = ['GET', 'PUT', 'POST', 'DELETE'] as const;
export type WadlMethod = (typeof wadlMethods)[number];

/** One resource of the WADL of IEEE 2030.5. HEAD has the mode of GET. */
export interface WadlRow {
  /** `/edev/{id1}/der/{id2}`: the standard's sample path. */
  readonly path: string;
  /** The root element of its documents. */
  readonly root: string;
  readonly modes: Readonly<Record<WadlMethod, MethodMode>>;
  /** The list parameters that its GET takes: `s`, `l`, and `a` where the list is in the order of a time. */
  readonly query: string;
}

/** Reads the notation of the generated table: `PATH ROOT MODES [QUERY]`, modes in the order of `wadlMethods`. */
export function wadlRow(notation: string): WadlRow {
  const [path = '', root = '', modes = '', query = ''] = notation.split(' ');
  const [get, put, post, remove] = modes.split('') as [MethodMode, MethodMode, MethodMode, MethodMode];
  return { path, root, modes: { GET: get, PUT: put, POST: post, DELETE: remove }, query };
}
