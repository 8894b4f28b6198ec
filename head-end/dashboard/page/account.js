/** @import { Account } from '../../gateway/access/schemas.ts' */
import { ask } from './ask.js';
import { byId, html, setText } from './elements.js';
import { makePasskey, noPasskeys } from './passkey.js';
import { field, on, requirePerson, say } from './session.js';

/** @param {Account['passkeys'][number]} passkey */
function passkeyItem({ id, name, createdAt, relyingParty }) {
  const made = new Date(createdAt * 1000).toLocaleDateString(undefined, { dateStyle: 'medium' });
  const remove = html('button', { class: 'button', type: 'button' }, 'Remove');
  on(remove, 'click', async () => {
    await ask('DELETE', `/access/account/passkeys/${id}`);
    await show();
    say(`The passkey “${name}” is not good any more`);
  });
  const facts = html('span', { class: 'muted' }, `for ${relyingParty}, made ${made}`);
  return html('li', {}, html('span', {}, html('strong', {}, name), ' ', facts), remove);
}

async function show() {
  /** @type {Account} */
  const account = await ask('GET', '/access/account');
  setText(byId('name'), account.name);
  setText(byId('role'), account.role);
  setText(byId('meters'), account.meters.join(', '));
  byId('meters-row').hidden = account.meters.length === 0;
  byId('username').setAttribute('value', account.name);
  byId('present-label').hidden = account.byLink || !account.hasPassword;
  byId('passkeys').replaceChildren(...account.passkeys.map(passkeyItem));
  if (!account.hasPassword && account.passkeys.length === 0) {
    say('Welcome. Choose a password or make a passkey now: the link that brought you here works only once.');
  }
}

await requirePerson();
on(byId('sign-out'), 'click', async () => {
  await ask('POST', '/access/sign-out');
  location.assign('/');
});
const passwordForm = byId('password-form');
on(passwordForm, 'submit', async (data) => {
  const present = field(data, 'present');
  const password = field(data, 'password');
  await ask('PUT', '/access/account/password', present === '' ? { password } : { present, password });
  if (passwordForm instanceof HTMLFormElement) passwordForm.reset();
  await show();
  say('The password is set');
});
on(byId('passkey-form'), 'submit', async (data) => {
  await makePasskey(field(data, 'name'));
  await show();
  say('The passkey is made: sign in with it from now on');
});
const missing = noPasskeys();
if (missing !== undefined) {
  setText(byId('passkey-note'), missing);
  byId('passkey-form').hidden = true;
}
await show().catch(say);
