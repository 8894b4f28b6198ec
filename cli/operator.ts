import { GridError, reasonOf } from '#hal/errors.ts';

/** Where a head-end's REST is unless told. */
export const defaultUrl = 'http://127.0.0.1:8080';

interface Problem {
  readonly code?: string;
  readonly detail?: string;
  readonly title?: string;
  readonly hint?: string;
}

/**
 * Asks a head-end's REST. Rejects with `GTX-ASK-001` where it does not answer and `GTX-ASK-002` with its own words
 * where it refuses.
 */
export async function askHeadEnd(url: string, path: string, request: RequestInit = {}): Promise<Response> {
  const address = addressOf(url, path);
  let response: Response;
  try {
    response = await fetch(address, request);
  } catch (error) {
    const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
    throw new GridError('GTX-ASK-001', `The head-end at ${url} does not answer: ${reasonOf(cause)}`, {
      hint: 'Check that it runs, and give its address with --url.',
      cause: error,
    });
  }
  if (response.ok) return response;
  const problem = (await response.json().catch(() => ({}))) as Problem;
  const words = problem.detail ?? problem.title ?? response.statusText;
  const { hint } = problem;
  throw new GridError('GTX-ASK-002', `The head-end refuses (${problem.code ?? response.status}): ${words}`, {
    ...(response.status < 500 ? { kind: 'input' as const } : {}),
    ...(hint === undefined ? {} : { hint }),
  });
}

function addressOf(url: string, path: string): URL {
  try {
    return new URL(path, url);
  } catch (error) {
    throw new GridError('GTX-ASK-003', `${url} is no address`, {
      kind: 'input',
      hint: `An address is like ${defaultUrl}.`,
      cause: error,
    });
  }
}
