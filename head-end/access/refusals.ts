import { GridError } from '#hal/errors.ts';

/** A refusal that ends by itself. */
export class RetryLater extends GridError {
  /** Seconds. */
  readonly retryAfter: number;

  constructor(code: 'GTX-ACC-004' | 'GTX-ACC-005' | 'GTX-ACC-012', message: string, hint: string, retryAfter: number) {
    super(code, message, { hint });
    this.retryAfter = retryAfter;
  }
}

const signInHint = 'Sign in on the page /sign-in.html, or send an API key: `Authorization: Bearer gtx_…`.';

export const unknownAsker = (): GridError =>
  new GridError('GTX-ACC-001', 'This needs to know who asks', { hint: signInHint });

export const deniedTo = (role: string, what: string): GridError =>
  new GridError('GTX-ACC-002', `The role ${role} may not do this: ${what}`, {
    hint: 'An administrator can give another role.',
  });

/** The same for an unknown name and a wrong password, so that names cannot be found out. */
export const wrongCredential = (what: string): GridError =>
  new GridError('GTX-ACC-003', `${what} is not right`, {
    hint: 'After three failures it is locked for a while; an administrator can give a new link.',
  });

export const lockedOut = (seconds: number): GridError =>
  new RetryLater(
    'GTX-ACC-004',
    `Too many failures: locked for ${seconds} s more`,
    'Wait, sign in with a passkey, or ask an administrator for a link.',
    seconds,
  );

export const throttled = (seconds: number): GridError =>
  new RetryLater('GTX-ACC-005', 'Too many attempts from this address', `Try again in ${seconds} s.`, seconds);

export const badPassword = (what: string): GridError =>
  new GridError('GTX-ACC-006', what, { kind: 'input', hint: 'Some unrelated words in a row make a good password.' });

export const deadLink = (): GridError =>
  new GridError('GTX-ACC-007', 'This link was used already, or has expired', {
    hint: 'Ask an administrator for a new one; for the first administrator, start the head-end again.',
  });

export const absentHere = (what: string): GridError =>
  new GridError('GTX-ACC-008', `There is no ${what}`, { kind: 'input' });

export const standsAgainst = (message: string, hint: string): GridError =>
  new GridError('GTX-ACC-009', message, { kind: 'input', hint });

export const badPasskey = (reason: string, cause?: unknown): GridError =>
  new GridError('GTX-ACC-010', `The passkey was not accepted: ${reason}`, {
    hint: 'Try again, or use a password.',
    ...(cause !== undefined && { cause }),
  });

export const namelessSite = (port: string): GridError =>
  new GridError('GTX-ACC-011', 'A passkey belongs to a name, and this page was opened by an address', {
    hint: `Open it as http://localhost${port} on this machine, or by the name in its certificate.`,
  });

export const staleSignIn = (): GridError =>
  new GridError('GTX-ACC-014', 'A new passkey takes a fresh sign-in', {
    hint: 'Sign out, sign in again, and add it within a quarter of an hour.',
  });

export const tooBusy = (): GridError =>
  new RetryLater('GTX-ACC-012', 'Too many people are signing in at once', 'Try again in some seconds.', 3);
