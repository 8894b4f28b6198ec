/**
 * The notation of a schema table, one string a type.
 *
 * A simple type is `integer LOW HIGH` (a number), `long LOW HIGH` (a bigint), `hexBinary OCTETS`,
 * `string CHARACTERS`, `string`, `boolean` or `anyURI`.
 *
 * A complex type is `=SIMPLE` when its content is text, else `BASE|ELEMENTS|ATTRIBUTES` (empty tails left away).
 * An element is `name` + occurrence + `:Type`, where `:Type` is left away when it equals the name; the occurrence
 * is nothing (1), `?` (0..1), `*` (0..n), `+` (1..n) or `{a,b}`. A leading `@` puts the element into the profile's
 * own namespace. An attribute is `name:Type`, or `name?:Type` when optional.
 */
export interface SchemaTable {
  readonly simple: Readonly<Record<string, string>>;
  /** Every complex type is also a root element of the same name. */
  readonly types: Readonly<Record<string, string>>;
  readonly profiles: Readonly<Record<string, ProfileTable>>;
  readonly editions: Readonly<Record<string, EditionTable>>;
}

/** How an older edition of the base schema differs from `types`. */
export interface EditionTable {
  /** Complex types that are other there. */
  readonly types: Readonly<Record<string, string>>;
  /** Complex types that it does not have, separated by blanks. */
  readonly without: string;
}

/** What another namespace adds: a profile of the base schema, or a schema beside it. */
export interface ProfileTable {
  /** Complex types in the profile's own namespace. */
  readonly types: Readonly<Record<string, string>>;
  /** Root elements in the profile's own namespace: name → type. */
  readonly roots: Readonly<Record<string, string>>;
  /** `|ELEMENTS|ATTRIBUTES` that the profile appends to types of the base schema. */
  readonly additions: Readonly<Record<string, string>>;
}
