import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { type Browser, chromium, type Page } from 'playwright-core';
import { UnixSeconds } from '#hal/units.ts';
import type { Principal } from '#head-end/access/principal.ts';
import { TestOperator } from '#head-end/gateway/operator/test-operator.ts';
import { debianPackage } from '#test/debian-packages.ts';
import { launchArguments } from './chromium.ts';
import { pageAudit, sidewaysAudit } from './page-audit.ts';

const good = 'four words in a row';
const root: Principal = {
  name: 'root',
  role: 'administrator',
  meters: [],
  by: { key: '0' },
  until: UnixSeconds(Number.MAX_SAFE_INTEGER),
};

interface Given {
  readonly browser: Browser;
  readonly operator: TestOperator;
}

let people = 0;

/** A page in a browser of its own, at everybody's head-end, and a new administrator's one-time link. */
async function open(t: TestContext, { browser, operator }: Given, viewport = { width: 1280, height: 800 }) {
  const context = await browser.newContext({ viewport });
  t.after(() => context.close());
  const page = await context.newPage();
  page.setDefaultTimeout(20_000);
  const complaints: string[] = [];
  page.on('console', (message) => {
    // A refusal is shown on the page, and the browser's console has it too.
    const isRefusal = message.text().startsWith('Failed to load resource');
    if (message.type() === 'error' && !isRefusal) complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('dialog', (dialog) => void dialog.accept());
  const origin = `http://localhost:${operator.port}`;
  const { access } = operator.testAccess;
  const name = `chief-${++people}`;
  await access.addUser(name, { role: 'administrator', meters: [] }, root);
  const link = `${origin}/sign-in.html#link=${await access.makeLink(name, root)}`;
  return { operator, page, context, complaints, origin, name, link };
}

const nav = (page: Page, name: string) => page.getByRole('navigation').getByRole('link', { name, exact: true });
const message = (page: Page, text: RegExp) => page.locator('#message').getByText(text).waitFor();

async function setPassword(page: Page, password: string, present?: string): Promise<void> {
  if (present !== undefined) await page.getByLabel('Present password').fill(present);
  await page.getByLabel('New password').fill(password);
  await page.getByRole('button', { name: 'Set the password' }).click();
}

async function signIn(page: Page, name: string, password: string): Promise<void> {
  await page.getByLabel('Name').fill(name);
  await page.getByLabel('Password', { exact: true }).fill(password);
  await page.getByRole('button', { name: 'Sign in', exact: true }).click();
}

test('the pages of who may do what, in a browser', async (t) => {
  if (!debianPackage(t, 'chromium')) return;
  const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: launchArguments });
  t.after(() => browser.close());
  const headEnd = await TestOperator.start();
  t.after(() => headEnd[Symbol.asyncDispose]());
  await headEnd.server.device({ meterId: 'METER_1' });
  const given = { browser, operator: headEnd };

  await t.test('the first administrator comes by the link, sets a password, signs out and in', async (u) => {
    const { page, complaints, origin } = await open(u, given);
    await page.goto(`${origin}/sign-in.html#link=${headEnd.firstLink}`);
    await page.waitForURL('**/account.html');
    await message(page, /^Welcome\. Choose a password/);
    assert.equal(await page.locator('#role').innerText(), 'administrator');
    await setPassword(page, good);
    await message(page, /^The password is set$/);
    await page.getByRole('button', { name: 'Sign out' }).click();
    await nav(page, 'Sign in').click();
    await signIn(page, 'administrator', 'not my password');
    await message(page, /^The name or the password is not right\./);
    await signIn(page, 'Administrator', good);
    await nav(page, 'administrator').click();
    await setPassword(page, `${good} more`, good);
    await message(page, /^The password is set$/);
    await page.goto(`${origin}/sign-in.html#link=${headEnd.firstLink}`);
    await message(page, /^This link was used already/);
    assert.deepEqual(complaints, []);
  });

  await t.test('a passkey is made and signs in without a name, and stops to when it is removed', async (u) => {
    const { page, context, complaints, link, name } = await open(u, given);
    const devices = await context.newCDPSession(page);
    await devices.send('WebAuthn.enable');
    await devices.send('WebAuthn.addVirtualAuthenticator', {
      options: {
        protocol: 'ctap2',
        transport: 'internal',
        hasResidentKey: true,
        hasUserVerification: true,
        isUserVerified: true,
        automaticPresenceSimulation: true,
      },
    });
    await page.goto(link);
    await page.getByLabel('What you call it').fill('My laptop');
    await page.getByRole('button', { name: 'Make a passkey' }).click();
    await message(page, /^The passkey is made/);
    await page.locator('#passkeys').getByText('My laptop').waitFor();
    await page.getByRole('button', { name: 'Make a passkey' }).click();
    await message(page, /^This device has a passkey of yours already/);
    await page.getByRole('button', { name: 'Sign out' }).click();
    await nav(page, 'Sign in').click();
    await page.getByRole('button', { name: 'Sign in with a passkey' }).click();
    await nav(page, name).click();
    await page.locator('#passkeys').getByRole('button', { name: 'Remove' }).click();
    await message(page, /is not good any more$/);
    await page.getByRole('button', { name: 'Sign out' }).click();
    await nav(page, 'Sign in').click();
    await page.getByRole('button', { name: 'Sign in with a passkey' }).click();
    await message(page, /^The passkey was not accepted: it is not known here/);
    const kinds = headEnd.testAccess.kinds();
    for (const kind of ['passkey-added', 'passkey-removed', 'sign-in', 'sign-out'])
      assert.ok(kinds.includes(kind), kind);
    assert.deepEqual(complaints, []);
  });

  await t.test('an administrator adds people and keys, gives roles and takes them; others do not', async (u) => {
    const { page, complaints, link } = await open(u, given);
    await page.goto(link);
    await nav(page, 'Access').click();
    const person = page.locator('#person-form');
    await person.getByLabel('Name').fill('Ada');
    await person.getByLabel('Role').selectOption('operator');
    await person.getByRole('button').click();
    const secret = page.locator('#secret-text');
    await secret.getByText('/sign-in.html#link=').waitFor();
    const adas = await secret.innerText();
    await page.getByRole('button', { name: 'Done' }).click();
    await page.getByLabel('Role of ada').selectOption('auditor');
    await message(page, /^ada is auditor now$/);
    await person.getByLabel('Name').fill('bob');
    await person.getByLabel('Role').selectOption('owner');
    await person.getByLabel('Buildings').fill('METER_1');
    await person.getByRole('button').click();
    await page.getByRole('cell', { name: 'owner of METER_1' }).waitFor();
    const key = page.locator('#key-form');
    await key.getByLabel('Name').fill('billing');
    await key.getByRole('button').click();
    await secret.getByText(/^gtx_/).waitFor();
    const bearer = { authorization: `Bearer ${await secret.innerText()}` };
    assert.equal((await headEnd.ask('GET', '/meters', undefined, bearer)).status, 200);
    await page.getByRole('button', { name: 'Revoke: billing' }).click();
    await page.getByText('No program has a key yet.').waitFor();
    assert.equal((await headEnd.ask('GET', '/meters', undefined, bearer)).status, 401);
    await page.getByRole('button', { name: 'Remove: bob' }).click();
    await page.getByRole('rowheader', { name: 'bob' }).waitFor({ state: 'detached' });

    await page.goto(adas);
    await page.waitForURL('**/account.html');
    await nav(page, 'Access').click();
    await page.getByRole('rowheader', { name: 'ada' }).waitFor();
    assert.equal(await page.getByRole('button', { name: /Remove|Link|Add/ }).count(), 0);
    assert.deepEqual(complaints, []);
  });

  await t.test('who is not signed in is led from the pages for people to the sign-in', async (u) => {
    const { page, origin } = await open(u, given);
    for (const path of ['/account.html', '/access.html']) {
      await page.goto(`${origin}${path}`);
      await page.waitForURL('**/sign-in.html');
    }
  });

  await t.test('by an address the sign-in tells where passkeys work', async (u) => {
    const { page } = await open(u, given);
    await page.goto(`http://127.0.0.1:${headEnd.port}/sign-in.html`);
    await page.getByText(`Passkeys need a name: open this page as http://localhost:${headEnd.port}`).waitFor();
    assert.ok(await page.getByRole('button', { name: 'Sign in with a passkey' }).isDisabled());
  });

  for (const viewport of [
    { width: 1280, height: 800 },
    { width: 390, height: 844 },
  ]) {
    await t.test(`${viewport.width} px: names, headers, landmarks, contrast and width are in order`, async (u) => {
      const { page, origin, link, name } = await open(u, given, viewport);
      await page.goto(`${origin}/sign-in.html`);
      await nav(page, 'Sign in').waitFor();
      const audits = async (): Promise<unknown[]> => [
        ...(await page.evaluate<unknown[]>(pageAudit)),
        ...(await page.evaluate<unknown[]>(sidewaysAudit)),
      ];
      for (const colorScheme of ['light', 'dark'] as const) {
        await page.emulateMedia({ colorScheme });
        assert.deepEqual(await audits(), [], `sign-in, ${colorScheme}`);
      }
      await page.goto(link);
      await message(page, /^Welcome/);
      for (const colorScheme of ['light', 'dark'] as const) {
        await page.emulateMedia({ colorScheme });
        assert.deepEqual(await audits(), [], `account, ${colorScheme}`);
      }
      await nav(page, 'Access').click();
      await page.getByRole('button', { name: `Link: ${name}` }).click();
      await page.locator('#secret-text').getByText('/sign-in.html#link=').waitFor();
      for (const colorScheme of ['light', 'dark'] as const) {
        await page.emulateMedia({ colorScheme });
        assert.deepEqual(await audits(), [], `access, ${colorScheme}`);
      }
    });
  }
});
