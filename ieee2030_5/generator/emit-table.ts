import type { Attribute, ComplexType, Particle, SimpleType, Xsd } from './xsd.ts';

/** The schemas of one generation: the base edition and what each profile adds to it. */
export interface Schemas {
  readonly base: Xsd;
  readonly profiles: readonly Profile[];
  readonly olderEditions: ReadonlyMap<string, Xsd>;
}

export interface Profile {
  readonly name: string;
  readonly core: Xsd;
  readonly extension: Xsd;
}

const integers: Readonly<Record<string, readonly [string, string]>> = {
  unsignedByte: ['0', '255'],
  unsignedShort: ['0', '65535'],
  unsignedInt: ['0', '4294967295'],
  unsignedLong: ['0', '18446744073709551615'],
  byte: ['-128', '127'],
  short: ['-32768', '32767'],
  int: ['-2147483648', '2147483647'],
  long: ['-9223372036854775808', '9223372036854775807'],
};

/** `hexBinary 16`, `string 32`, `integer 0 255`, `long -9… 9…`: the compact form of a simple type. */
export function simpleNotation(name: string, types: ReadonlyMap<string, SimpleType>): string {
  const facets = new Map<string, string>();
  let base = name;
  for (let type = types.get(base); type !== undefined; type = types.get(base)) {
    for (const [facet, value] of type.facets) if (!facets.has(facet)) facets.set(facet, value);
    base = type.base;
  }
  const range = integers[base];
  if (range !== undefined) {
    const low = facets.get('minInclusive') ?? range[0];
    const high = facets.get('maxInclusive') ?? range[1];
    const exact = BigInt(low) >= BigInt(Number.MIN_SAFE_INTEGER) && BigInt(high) <= BigInt(Number.MAX_SAFE_INTEGER);
    return `${exact ? 'integer' : 'long'} ${low} ${high}`;
  }
  const length = facets.get('maxLength');
  return length === undefined ? base : `${base} ${length}`;
}

const occurs = (min: number, max: number): string => {
  if (max === 1) return min === 0 ? '?' : '';
  if (max === Number.POSITIVE_INFINITY) return min === 0 ? '*' : '+';
  return `{${min},${max}}`;
};

const withType = (name: string, type: string): string => (type === name ? '' : `:${type}`);

function particleNotation(item: Particle, profile: Profile | undefined): string {
  const count = occurs(item.min, item.max);
  if (item.type !== undefined) return `${item.name}${count}${withType(item.name, item.type)}`;
  const name = item.name.slice(item.name.indexOf(':') + 1);
  const own = item.name.includes(':');
  // A reference to a global element of the base schema has a type of the same name.
  const type = own ? (profile?.extension.elements.get(name) ?? name) : name;
  return `${own ? '@' : ''}${name}${count}${withType(name, type)}`;
}

const attributeNotation = (item: Attribute): string => `${item.name}${item.required ? '' : '?'}:${item.type}`;

/** `Base|element?:Type …|attribute:Type …`, or `=Base` for text content. */
function typeNotation(type: ComplexType, profile: Profile | undefined, ownNamespace: boolean): string {
  if (type.text) return `=${type.base}`;
  const prefix = ownNamespace ? '@' : '';
  const elements = type.elements.map((item) => `${prefix}${particleNotation(item, profile)}`).join(' ');
  const attributes = type.attributes.map(attributeNotation).join(' ');
  return `${type.base ?? ''}|${elements}|${attributes}`.replace(/\|+$/, '');
}

const literal = (entries: Iterable<readonly [string, string]>, indent: string): string =>
  [...entries].map(([name, value]) => `${indent}${name}: '${value}',`).join('\n');

const typeNotations = (xsd: Xsd): Map<string, string> =>
  new Map([...xsd.complex].map(([name, type]) => [name, typeNotation(type, undefined, false)]));

/** What an older edition has instead of the base edition's types; the simple types are the same ones. */
function emitEdition(edition: string, older: Xsd, base: Xsd): string {
  const before = typeNotations(older);
  const now = typeNotations(base);
  for (const name of new Set([...older.simple.keys(), ...base.simple.keys()])) {
    if (simpleNotation(name, older.simple) !== simpleNotation(name, base.simple)) {
      throw new TypeError(`The simple type ${name} differs between editions, which is not supported`);
    }
  }
  const unknown = [...before.keys()].filter((name) => !now.has(name));
  if (unknown.length > 0) throw new TypeError(`Only the edition of ${edition} has ${unknown.join(', ')}`);
  const other = [...before].filter(([name, notation]) => now.get(name) !== notation);
  const without = [...now.keys()].filter((name) => !before.has(name));
  return `    '${edition}': {
      types: {\n${literal(other, '        ')}\n      },
      without: '${without.join(' ')}',
    },`;
}

/** The committed schema table: names, order, cardinality, types and bounds; no text of the standard. */
export function emitTable({ base, profiles, olderEditions }: Schemas): string {
  const simple = [...base.simple.keys()].map((name) => [name, simpleNotation(name, base.simple)] as const);
  const builtin = ['anyURI', 'boolean', 'string'].map((name) => [name, name] as const);
  const types = typeNotations(base);
  const editions = [...olderEditions].map(([edition, older]) => emitEdition(edition, older, base));
  const emitted = profiles.map((profile) => {
    const own = [...profile.extension.complex].map(
      ([name, type]) => [name, typeNotation(type, profile, true)] as const,
    );
    const additions = [...profile.core.redefined].map(
      ([name, type]) => [name, typeNotation(type, profile, false).slice(type.base?.length ?? 0)] as const,
    );
    return `    '${profile.name}': {
      types: {\n${literal(own, '        ')}\n      },
      roots: {\n${literal(profile.extension.elements, '        ')}\n      },
      additions: {\n${literal(additions, '        ')}\n      },
    },`;
  });
  return `// Generated by ieee2030_5/generate.ts from the XSDs; \`npm run generate\` renews it. The notation is told in schema-table.ts.
import type { SchemaTable } from './schema-table.ts';

export const schemaTable = {
  simple: {
${literal([...builtin, ...simple], '    ')}
  },
  types: {
${literal(types, '    ')}
  },
  profiles: {
${emitted.join('\n')}
  },
  editions: {
${editions.join('\n')}
  },
} as const satisfies SchemaTable;
`;
}
