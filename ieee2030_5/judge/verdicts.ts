import assert from 'node:assert/strict';
import fc from 'fast-check';
import { GridError, reasonOf } from '#hal/errors.ts';
import { seedOf, uniform } from '#hal/random.ts';
import {
  namespace2018,
  namespaceCsipAus12,
  namespaceCsipAus13,
  namespaceExtension,
  type ProfileName,
} from '../namespaces.ts';
import { parseDocument } from '../parse.ts';
import { type RootPlan, type Schema, schemaOf } from '../schema.ts';
import type { RootName, Roots } from '../types.generated.ts';
import { writeDocument } from '../write.ts';
import { Judge } from './libxml.ts';
import { mutations, textMutations } from './mutations.ts';
import { type Choose, type Tree, treeOf, xmlOf } from './tree.ts';
import { Values } from './values.ts';

type JudgedProfile = Exclude<ProfileName, 'any'>;

/** Choices that a seed determines. */
export function choicesOf(seed: number): Choose {
  let index = 0;
  const own = seedOf(seed, 'choices');
  return (count) => Math.floor(uniform(own, index++) * Math.max(count, 1));
}

const namespacesOf = (profile: JudgedProfile) => ({
  sep: namespace2018,
  aus: profile === 'csip-aus-1.2' ? namespaceCsipAus12 : namespaceCsipAus13,
  gtx: namespaceExtension,
});

/** Root elements that our schema of a profile knows and the XSD too. */
export const rootsOf = (schema: Schema): RootPlan[] => [...schema.roots()];

const ours = (source: Uint8Array, profile: JudgedProfile): GridError | undefined => {
  try {
    parseDocument(source, { strict: true, profile });
    return undefined;
  } catch (error) {
    if (error instanceof GridError) return error;
    throw error;
  }
};

/**
 * Where our parser and libxml2 part, and why that is meant. `ours` is our error code where only we refuse.
 */
const meant: readonly { readonly code: string; readonly when: RegExp; readonly why: string }[] = [
  { code: 'GTX-XML-002', when: /<!DOCTYPE|<\?/, why: 'no DTD and no processing instructions in 2030.5 documents' },
  { code: 'GTX-XML-003', when: /encoding=/, why: '2030.5 documents are UTF-8 only; libxml2 decodes others' },
  {
    code: 'GTX-XML-016',
    when: /<!\[CDATA\[|&/,
    why: 'blanks between elements stand as themselves, not in CDATA or by reference',
  },
  { code: 'GTX-XML-001', when: /version="1\.1"/, why: 'XML 1.0 only; libxml2 reads 1.1 as 1.0' },
];

export interface Tally {
  valid: number;
  invalid: number;
  readonly differences: Map<string, number>;
}

/** Fails unless both verdicts agree or the difference is a meant one, which is counted. */
export function compare(source: Uint8Array, judge: Judge, profile: JudgedProfile, what: string, tally: Tally): void {
  const refusal = judge.refusal(source);
  const error = ours(source, profile);
  if (refusal === undefined) tally.valid++;
  else tally.invalid++;
  if ((refusal === undefined) === (error === undefined)) return;
  const text = Buffer.from(source).toString();
  const reason =
    error === undefined ? undefined : meant.find(({ code, when }) => code === error.code && when.test(text));
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

const documents = (schema: Schema, roots: readonly RootPlan[]): fc.Arbitrary<Generated> => {
  const values = new Values(schema);
  const wrap = (root: RootPlan): RootPlan =>
    Object.assign(Object.create(root) as RootPlan, { [fc.toStringMethod]: () => root.name });
  return fc
    .constantFrom(...roots.map(wrap))
    .chain((root) => fc.record({ root: fc.constant(root), value: values.document(root), seed: fc.nat() }));
};

/** Every root element at least once, then random ones up to `runs`. */
export function generatedDocumentsAreValid(profile: JudgedProfile, runs: number): void {
  using judge = Judge.of(profile);
  const schema = schemaOf(profile);
  const roots = rootsOf(schema);
  const check = ({ root, value, seed }: Generated): void => {
    const name = root.name as RootName;
    const written = writeDocument(name, value as Roots[RootName], { profile });
    assert.equal(judge.refusal(Buffer.from(written)), undefined, written);
    assert.deepEqual(parseDocument(written, { strict: true, profile }).value, value, written);
    const styled = xmlOf(treeOf(schema, root, value), { choose: choicesOf(seed), namespaces: namespacesOf(profile) });
    assert.equal(judge.refusal(Buffer.from(styled)), undefined, styled);
    assert.deepEqual(parseDocument(Buffer.from(styled), { strict: true, profile }).value, value, styled);
  };
  const each = Math.max(1, Math.floor(runs / roots.length / 2));
  for (const root of roots) fc.assert(fc.property(documents(schema, [root]), check), { numRuns: each });
  fc.assert(fc.property(documents(schema, roots), check), { numRuns: Math.max(0, runs - each * roots.length) });
}

/** Documents with one to three faults: the same verdict from both. */
export function mutatedDocumentsAreJudgedAlike(profile: JudgedProfile, runs: number): Tally {
  using judge = Judge.of(profile);
  const schema = schemaOf(profile);
  const tally: Tally = { valid: 0, invalid: 0, differences: new Map() };
  const names = Object.keys(mutations);
  const textNames = Object.keys(textMutations);
  fc.assert(
    fc.property(documents(schema, rootsOf(schema)), ({ root, value, seed }) => {
      const choose = choicesOf(seed);
      const tree: Tree = treeOf(schema, root, value);
      const done: string[] = [];
      const ofText = choose(4) === 0;
      for (let count = ofText ? 0 : 1 + choose(3); count > 0; count--) {
        const name = names[choose(names.length)] ?? '';
        if (mutations[name]?.(tree, choose) === true) done.push(name);
      }
      let text = xmlOf(tree, { choose, namespaces: namespacesOf(profile) });
      if (ofText) {
        const name = textNames[choose(textNames.length)] ?? '';
        text = textMutations[name]?.(text, choose) ?? text;
        done.push(name);
      }
      compare(Buffer.from(text), judge, profile, `${root.name}, ${done.join(', ')}`, tally);
    }),
    { numRuns: runs },
  );
  return tally;
}
