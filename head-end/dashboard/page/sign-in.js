import { ask } from './ask.js';
import { byId } from './elements.js';
import { noPasskeys, signInByPasskey } from './passkey.js';
import { field, on, say, showNav, whoAmI } from './session.js';

/** A one-time link has its secret behind the `#`; it leaves the address bar at once. */
async function useLink() {
  const link = new URLSearchParams(location.hash.slice(1)).get('link');
  if (link === null) return false;
  history.replaceState(null, '', location.pathname);
  await ask('POST', '/access/link-sign-in', { link });
  location.replace('/account.html');
  return true;
}

on(byId('password-form'), 'submit', async (data) => {
  await ask('POST', '/access/sign-in', { name: field(data, 'name').trim(), password: field(data, 'password') });
  location.assign('/');
});
on(byId('passkey'), 'click', async () => {
  await signInByPasskey();
  location.assign('/');
});

const missing = noPasskeys();
byId('passkey').toggleAttribute('disabled', missing !== undefined);
byId('passkey-note').textContent = missing ?? '';
const tryLink = () =>
  useLink().catch((error) => {
    say(error);
    return false;
  });
// A link that is opened while the page is there loads nothing anew.
addEventListener('hashchange', () => void tryLink());
if (!(await tryLink())) showNav(await whoAmI());
