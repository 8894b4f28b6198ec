/** @import { ApiKey, User } from '../../gateway/access/schemas.ts' */
import { ask } from './ask.js';
import { byId, html, setText } from './elements.js';
import { field, on, requirePerson, say } from './session.js';

const roles = ['viewer', 'owner', 'operator', 'auditor', 'administrator'];
const daySeconds = 86_400;

/** @param {number} seconds */
const day = (seconds) => new Date(seconds * 1000).toLocaleDateString(undefined, { dateStyle: 'medium' });

/** @param {{ role: string, meters: readonly string[] }} facts */
const roleText = ({ role, meters }) => (meters.length === 0 ? role : `${role} of ${meters.join(', ')}`);

/**
 * @param {string} text
 * @param {string} about for a person who hears the page
 * @param {() => Promise<void>} work
 */
function button(text, about, work) {
  const element = html('button', { class: 'button', type: 'button', 'aria-label': `${text}: ${about}` }, text);
  on(element, 'click', work);
  return element;
}

/**
 * Shows what is shown once.
 * @param {string} title
 * @param {string} text
 */
function showSecret(title, text) {
  setText(byId('secret-title'), title);
  setText(byId('secret-text'), text);
  byId('secret').hidden = false;
  byId('secret').scrollIntoView({ block: 'nearest' });
}

/** @param {string} name */
async function makeLink(name) {
  const { link } = await ask('POST', `/access/users/${encodeURIComponent(name)}/link`);
  showSecret(`The link that signs ${name} in, once within a day`, link);
}

/**
 * @param {User} user
 * @param {boolean} administers
 */
function personRow({ name, role, meters, hasPassword, passkeys, sessions, lockedFor }, administers) {
  const ways = [
    ...(hasPassword ? ['password'] : []),
    ...(passkeys > 0 ? [passkeys === 1 ? 'passkey' : `${passkeys} passkeys`] : []),
  ];
  const state = lockedFor > 0 ? `locked for ${lockedFor} s` : sessions > 0 ? 'signed in' : '';
  const actions = administers
    ? [
        button('Link', name, async () => {
          if (!confirm(`A link for ${name}? Password, passkeys and sessions end at once.`)) return;
          await makeLink(name);
        }),
        button('Remove', name, async () => {
          if (!confirm(`Remove ${name}? Their sessions end at once.`)) return;
          await ask('DELETE', `/access/users/${encodeURIComponent(name)}`);
          await show(administers);
        }),
      ]
    : [];
  return html(
    'tr',
    {},
    html('th', { scope: 'row' }, name),
    html('td', { class: 'wraps' }, administers ? roleChoice({ name, role, meters }) : roleText({ role, meters })),
    html('td', { class: 'optional' }, ways.length === 0 ? 'a link, at first' : ways.join(', ')),
    html('td', { class: 'optional' }, state),
    html('td', { class: 'actions' }, ...actions),
  );
}

/** @param {{ name: string, role: string, meters: readonly string[] }} user */
function roleChoice({ name, role, meters }) {
  // An owner is told apart by buildings, which a choice does not have.
  if (role === 'owner') return roleText({ role, meters });
  const choice = html('select', { 'aria-label': `Role of ${name}` });
  fillRoles(choice, role, ['owner']);
  const change = async () => {
    await ask('PATCH', `/access/users/${encodeURIComponent(name)}`, { role: choice.value });
    say(`${name} is ${choice.value} now`);
  };
  choice.addEventListener('change', () => {
    void change()
      .catch(say)
      .then(() => show(true))
      .catch(say);
  });
  return choice;
}

/**
 * @param {HTMLSelectElement} choice
 * @param {string} chosen
 * @param {readonly string[]} [without]
 */
function fillRoles(choice, chosen, without = []) {
  const offered = roles.filter((role) => !without.includes(role));
  choice.replaceChildren(...offered.map((role) => html('option', { value: role }, role)));
  choice.value = chosen;
}

/**
 * @param {ApiKey} key
 * @param {boolean} administers
 */
function keyRow({ id, name, role, meters, createdAt, createdBy, expiresAt }, administers) {
  const revoke = () =>
    button('Revoke', name, async () => {
      if (!confirm(`Revoke the key ${name}? Programs that use it are refused at once.`)) return;
      await ask('DELETE', `/access/keys/${id}`);
      await show(administers);
    });
  return html(
    'tr',
    {},
    html('th', { scope: 'row' }, name, ' ', html('code', { class: 'muted' }, id)),
    html('td', { class: 'wraps' }, roleText({ role, meters })),
    html('td', { class: 'optional' }, `${day(createdAt)} by ${createdBy}`),
    html('td', { class: 'optional' }, expiresAt === undefined ? 'ever' : day(expiresAt)),
    html('td', { class: 'actions' }, ...(administers ? [revoke()] : [])),
  );
}

/** @param {boolean} administers */
async function show(administers) {
  const [users, keys] = await Promise.all([ask('GET', '/access/users'), ask('GET', '/access/keys')]);
  const people = users.items.map((/** @type {User} */ user) => personRow(user, administers));
  byId('people').replaceChildren(...people);
  const none = html('tr', { class: 'empty-row' }, html('td', { colspan: '5' }, 'No program has a key yet.'));
  const rows = keys.items.map((/** @type {ApiKey} */ key) => keyRow(key, administers));
  byId('keys').replaceChildren(...(rows.length === 0 ? [none] : rows));
}

/**
 * What a form says of a role.
 * @param {FormData} data
 */
function roleIn(data) {
  const role = field(data, 'role');
  const meters = field(data, 'meters')
    .split(/[\s,]+/)
    .filter((one) => one !== '');
  return role === 'owner' ? { role, meters } : { role };
}

/**
 * @param {string} id
 * @param {(data: FormData) => Promise<void>} work
 */
function openForm(id, work) {
  const form = byId(id);
  const choice = form.querySelector('select[name=role]');
  const owned = form.querySelector('.owned');
  if (!(form instanceof HTMLFormElement && choice instanceof HTMLSelectElement && owned instanceof HTMLElement)) return;
  form.hidden = false;
  fillRoles(choice, 'viewer');
  choice.addEventListener('change', () => {
    owned.hidden = choice.value !== 'owner';
  });
  on(form, 'submit', async (data) => {
    await work(data);
    form.reset();
    choice.value = 'viewer';
    owned.hidden = true;
    await show(true);
  });
}

const who = await requirePerson();
const administers = who.role === 'administrator';
if (administers) {
  openForm('person-form', async (data) => {
    const { name } = await ask('POST', '/access/users', { name: field(data, 'name').trim(), ...roleIn(data) });
    await makeLink(name);
  });
  openForm('key-form', async (data) => {
    const name = field(data, 'name').trim();
    const days = Number(field(data, 'days'));
    const expiresAt = days === 0 ? {} : { expiresAt: Math.floor(Date.now() / 1000) + days * daySeconds };
    const made = await ask('POST', '/access/keys', { name, ...roleIn(data), ...expiresAt });
    showSecret(`The API key ${name}, for “Authorization: Bearer”`, made.key);
  });
}
on(byId('secret-close'), 'click', async () => {
  byId('secret').hidden = true;
  setText(byId('secret-text'), '');
});
on(byId('secret-copy'), 'click', async () => {
  await navigator.clipboard.writeText(byId('secret-text').textContent ?? '');
  say('Copied');
});
await show(administers).catch(say);
