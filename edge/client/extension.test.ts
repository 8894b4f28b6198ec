import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RefusedError } from './connection.ts';
import { Extension } from './extension.ts';

/** A server with or without the extension, and what a board remembers. */
class Bench {
  /** The OfferTerms list, or the status of a refusal. */
  answer: string | number = '/offers';
  asked = 0;
  readonly #memory = new Map<string, string>();

  extension(): Extension {
    const get = async (href: string): Promise<unknown> => {
      this.asked++;
      if (typeof this.answer === 'number') throw new RefusedError('GET', href, this.answer, '');
      return { OfferTermsListLink: { href: this.answer } };
    };
    const remember = async (values: ReadonlyMap<string, string>): Promise<void> => {
      for (const [name, value] of values) this.#memory.set(name, value);
    };
    const [connection, file] = [{ get }, { memory: () => this.#memory, remember }];
    return new Extension(...([connection, file] as unknown as ConstructorParameters<typeof Extension>));
  }
}

test('a server is asked once whether it is ours, and that is remembered over restarts', async () => {
  for (const [answer, isOffered, terms] of [
    ['/offers', true, '/offers'],
    [404, false, undefined],
  ] as const) {
    const bench = new Bench();
    bench.answer = answer;
    const extension = bench.extension();
    assert.equal(extension.isOffered, undefined);
    assert.deepEqual([await extension.offerTerms(), await extension.offerTerms()], [terms, terms]);
    assert.deepEqual([bench.asked, extension.isOffered], [1, isOffered]);
    assert.equal(bench.extension().isOffered, isOffered);
  }
});

test('whatever a server of another maker says to a path that it does not know, it is none of ours', async () => {
  for (const status of [400, 401, 403, 404, 405, 406, 410, 501]) {
    const bench = new Bench();
    bench.answer = status;
    const extension = bench.extension();
    assert.equal(await extension.offerTerms(), undefined);
    assert.equal(extension.isOffered, false, String(status));
  }
});

test('a server that is of no mind is asked again, and one that was ours stays so until the path is gone', async () => {
  const bench = new Bench();
  const extension = bench.extension();
  bench.answer = 503;
  await assert.rejects(extension.offerTerms(), { status: 503 });
  assert.equal(extension.isOffered, undefined);
  bench.answer = '/offers';
  await extension.offerTerms();
  extension.forget();
  bench.answer = 403;
  await assert.rejects(extension.offerTerms(), { status: 403 });
  assert.equal(extension.isOffered, true);
  bench.answer = 404;
  assert.equal(await extension.offerTerms(), undefined);
  assert.equal(extension.isOffered, false);
});
