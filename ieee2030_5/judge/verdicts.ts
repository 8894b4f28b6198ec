import assert from 'node:assert/strict';
import fc from 'fast-check';
import { GridError, reasonOf } from '#hal/errors.ts';
import {
  baseNamespaces,
  type Edition,
  namespace2018,
  namespaceCsipAus12,
  namespaceCsipAus13,
  namespaceExtension,
  type ProfileName,
} from '../namespaces.ts';
import { parseDocument } from '../parse.ts';
import type { Family, RootPlan } from '../plans.ts';
import { type Schema, schemaOf } from '../schema.ts';
import type { RootName, Roots } from '../types.generated.ts';
import { writeDocument } from '../write.ts';
import { choicesOf } from './choices.ts';
import { Judge } from './libxml.ts';
import { mutations, textMutations } from './mutations.ts';
import { type Tree, treeOf, xmlOf } from './tree.ts';
import { Values } from './values.ts';

/** A judge of its own and the root elements that it knows, where they are not the profile's. */
export interface Scope {
  readonly judge: Judge;
  /** Undefined for the roots of every family. */
  readonly family?: Family;
  /** The edition whose namespace the documents have. Default `2018`. */
  readonly edition?: Edition;
}

/** How many documents, and from which seed; without one every run sees others. */
export interface Runs {
  readonly numRuns: number;
  readonly seed?: number;
}

const namespacesOf = (profile: ProfileName, edition: Edition = '2018'): Record<Family, string> => ({
  sep: baseNamespaces[edition],
  aus: profile === 'csip-aus-1.2' ? namespaceCsipAus12 : namespaceCsipAus13,
  gtx: namespaceExtension,
});

const rootsOf = (schema: Schema, scope: Scope | undefined): RootPlan[] =>
  [...schema.roots()].filter(({ family }) => scope?.family === undefined || family === scope.family);

/** The caller's judge, or the profile's own, which ends with the stack. */
const judgeOf = (profile: ProfileName, scope: Scope | undefined, stack: DisposableStack): Judge => {
  if (scope !== undefined) return scope.judge;
  if (profile === 'any') throw new TypeError('There is no XSD of all profiles together');
  return stack.use(Judge.of(profile));
};

const ours = (source: Uint8Array, profile: ProfileName): GridError | undefined => {
  try {
    parseDocument(source, { strict: true, profile });
    return undefined;
  } catch (error) {
    if (error instanceof GridError) return error;
    throw error;
  }
};

interface Difference {
  /** Our error code, or that we accept what libxml2 refuses. */
  readonly ours: string;
  /** What the document has, or what libxml2 says of it. */
  readonly when: RegExp;
  readonly why: string;
  /** A document on which they part. */
  readonly example: string;
}

/** Where our parser and libxml2 part, and why that is meant. */
export const meant: readonly Difference[] = [
  {
    ours: 'GTX-XML-002',
    when: /<!DOCTYPE|<\?/,
    why: 'no DTD and no processing instructions in 2030.5 documents',
    example: `<!DOCTYPE Link><Link xmlns="${namespace2018}" href="/"/>`,
  },
  {
    ours: 'GTX-XML-003',
    when: /encoding=/,
    why: '2030.5 documents are UTF-8 only; libxml2 decodes others',
    example: `<?xml version="1.0" encoding="ISO-8859-1"?><Link xmlns="${namespace2018}" href="/"/>`,
  },
  {
    ours: 'GTX-XML-001',
    when: /^\ufeff?<\?xml\s+version\s*=\s*["'](?!1\.0["'])/,
    why: 'XML 1.0 only; libxml2 reads others as 1.0',
    example: `<?xml version="1.1"?><Link xmlns="${namespace2018}" href="/"/>`,
  },
  {
    ours: 'GTX-XML-016',
    when: /&#/,
    why: 'blanks between elements stand as themselves, not as references',
    example: `<ActivePower xmlns="${namespace2018}">&#32;<multiplier>0</multiplier><value>1</value></ActivePower>`,
  },
  {
    ours: 'accepts',
    when: /^xmlns\S* .* is not a valid URI/,
    why: 'namespace names are compared, never read as URIs',
    example: `<Link xmlns="${namespace2018}" xmlns:a="a b" href="/"/>`,
  },
];

export interface Tally {
  valid: number;
  invalid: number;
  readonly differences: Map<string, number>;
}

/** Fails unless both verdicts agree or the difference is a meant one, which is counted. */
export function compare(source: Uint8Array, judge: Judge, profile: ProfileName, what: string, tally: Tally): void {
  const refusal = judge.refusal(source);
  const error = ours(source, profile);
  if (refusal === undefined) tally.valid++;
  else tally.invalid++;
  if ((refusal === undefined) === (error === undefined)) return;
  const text = Buffer.from(source).toString();
  const reason = meant.find(({ ours: verdict, when }) =>
    error === undefined ? verdict === 'accepts' && when.test(refusal ?? '') : verdict === error.code && when.test(text),
  );
  if (reason !== undefined) {
    tally.differences.set(reason.why, (tally.differences.get(reason.why) ?? 0) + 1);
    return;
  }
  assert.fail(
    `${what}: ours ${error === undefined ? 'accepts' : reasonOf(error)}; libxml2 ${refusal ?? 'accepts'}\n${text.slice(0, 4000)}`,
  );
}

interface Generated {
  readonly root: RootPlan;
  readonly value: unknown;
  readonly seed: number;
}

/** A root that reports itself by its name. */
const named = (root: RootPlan): RootPlan =>
  Object.assign(Object.create(root) as RootPlan, { [fc.toStringMethod]: () => root.name });

const documents = (schema: Schema, roots: readonly RootPlan[]): fc.Arbitrary<Generated> => {
  const values = new Values(schema);
  return fc
    .constantFrom(...roots.map(named))
    .chain((root) => fc.record({ root: fc.constant(root), value: values.document(root), seed: fc.nat() }));
};

/** Every root element at least once, then random ones up to `runs`. */
export function generatedDocumentsAreValid(profile: ProfileName, runs: Runs, scope?: Scope): void {
  using stack = new DisposableStack();
  const judge = judgeOf(profile, scope, stack);
  const schema = schemaOf(profile);
  const roots = rootsOf(schema, scope);
  const check = ({ root, value, seed }: Generated): void => {
    const name = root.name as RootName;
    const written = writeDocument(name, value as Roots[RootName], { profile });
    assert.equal(judge.refusal(Buffer.from(written)), undefined, written);
    assert.deepEqual(parseDocument(written, { strict: true, profile }).value, value, written);
    const styled = xmlOf(treeOf(schema, root, value), { choose: choicesOf(seed), namespaces: namespacesOf(profile) });
    assert.equal(judge.refusal(Buffer.from(styled)), undefined, styled);
    assert.deepEqual(parseDocument(Buffer.from(styled), { strict: true, profile }).value, value, styled);
  };
  const each = Math.max(1, Math.floor(runs.numRuns / roots.length / 2));
  for (const root of roots) fc.assert(fc.property(documents(schema, [root]), check), { ...runs, numRuns: each });
  fc.assert(fc.property(documents(schema, roots), check), {
    ...runs,
    numRuns: Math.max(0, runs.numRuns - each * roots.length),
  });
}

/** Documents with one to three faults: the same verdict from both. */
export function mutatedDocumentsAreJudgedAlike(profile: ProfileName, runs: Runs, scope?: Scope): Tally {
  using stack = new DisposableStack();
  const judge = judgeOf(profile, scope, stack);
  const schema = schemaOf(profile, scope?.edition);
  const tally: Tally = { valid: 0, invalid: 0, differences: new Map() };
  const names = Object.keys(mutations);
  const textNames = Object.keys(textMutations);
  fc.assert(
    fc.property(documents(schema, rootsOf(schema, scope)), ({ root, value, seed }) => {
      const choose = choicesOf(seed);
      const tree: Tree = treeOf(schema, root, value);
      const done: string[] = [];
      const ofText = choose(4) === 0;
      for (let count = ofText ? 0 : 1 + choose(3); count > 0; count--) {
        const name = names[choose(names.length)] ?? '';
        if (mutations[name]?.(tree, choose) === true) done.push(name);
      }
      let text = xmlOf(tree, { choose, namespaces: namespacesOf(profile, scope?.edition) });
      if (ofText) {
        const name = textNames[choose(textNames.length)] ?? '';
        text = textMutations[name]?.(text, choose) ?? text;
        done.push(name);
      }
      compare(Buffer.from(text), judge, profile, `${root.name}, ${done.join(', ')}`, tally);
    }),
    runs,
  );
  return tally;
}

/** What a document of 2018 may hold that none of 2013 can: the member, and why. */
const beyond2013 = [
  { code: 'GTX-XML-030', message: /rtgA is missing/, why: '2013 requires rtgA, 2018 leaves rtgMaxA optional' },
  { code: 'GTX-XML-032', message: /results is \d+, outside 0..255/, why: 'a list of 2013 has at most 255 items' },
  { code: 'GTX-XML-032', message: /setES\w+ is \d+, outside 0..65535/, why: 'delays are 16 bits wide in 2013' },
  {
    code: 'GTX-XML-032',
    message: /displacement is -?\d+, outside -32768..32767/,
    why: 'power factors of 2013 have a sign',
  },
  { code: 'GTX-XML-032', message: /yvalue is 2147483648, outside/, why: 'a sign in front of the least Int32' },
  {
    code: 'GTX-XML-010',
    message: /no document (ReactiveSusceptance|PowerFactorWithExcitation|GPSLocationType)/,
    why: 'not in 2013',
  },
  { code: 'GTX-XML-031', message: /xsiType of \w+ is not/, why: 'a type that 2013 does not have' },
] as const;

/**
 * Documents that 2013's schema allows are read, and written back valid and with the same meaning; documents of 2018
 * are written as valid documents of 2013, or refused for a listed reason, which is counted.
 */
export function documentsCrossEditions(runs: Runs): ReadonlyMap<string, number> {
  using judge = Judge.of('ieee-2013');
  const profile = 'ieee-2018';
  const refused = new Map<string, number>();
  const older = schemaOf(profile, '2013');
  const newer = schemaOf(profile);
  const write = (name: string, value: unknown): string | undefined => {
    try {
      return writeDocument(name as RootName, value as Roots[RootName], { profile, namespace: '2013' });
    } catch (error) {
      if (!(error instanceof GridError)) throw error;
      const reason = beyond2013.find(({ code, message }) => code === error.code && message.test(error.message));
      assert.ok(reason !== undefined, reasonOf(error));
      refused.set(reason.why, (refused.get(reason.why) ?? 0) + 1);
      return undefined;
    }
  };
  const fromOlder = ({ root, value, seed }: Generated): void => {
    const choose = choicesOf(seed);
    const namespaces = namespacesOf(profile, '2013');
    const source = Buffer.from(xmlOf(treeOf(older, root, value), { choose, namespaces }));
    assert.equal(judge.refusal(source), undefined, source.toString());
    const strict = parseDocument(source, { strict: true, profile });
    assert.equal(strict.namespace, '2013');
    assert.deepEqual(parseDocument(source, { profile }).value, strict.value, source.toString());
    const written = write(root.name, strict.value);
    if (written === undefined) return;
    assert.equal(judge.refusal(Buffer.from(written)), undefined, written);
    assert.deepEqual(parseDocument(written, { strict: true, profile }).value, strict.value, written);
  };
  const fromNewer = ({ root, value }: Generated): void => {
    const written = write(root.name, value);
    if (written === undefined) return;
    assert.equal(judge.refusal(Buffer.from(written)), undefined, written);
    parseDocument(written, { strict: true, profile });
  };
  for (const [schema, check] of [
    [older, fromOlder],
    [newer, fromNewer],
  ] as const) {
    const roots = [...schema.roots()];
    const each = Math.max(1, Math.floor(runs.numRuns / roots.length / 2));
    for (const root of roots) fc.assert(fc.property(documents(schema, [root]), check), { ...runs, numRuns: each });
    const rest = Math.max(0, runs.numRuns - each * roots.length);
    fc.assert(fc.property(documents(schema, roots), check), { ...runs, numRuns: rest });
  }
  return refused;
}
