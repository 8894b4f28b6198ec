import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { verifyCertify, verifyQuote } from '#provisioning/tpm/attestation.ts';
import { makeCredential } from '#provisioning/tpm/credential.ts';
import { nameOf, publicKeyOf } from '#provisioning/tpm/public-key.ts';
import { explain } from '#provisioning/tpm/response-codes.ts';
import { publicArea, signature } from '#provisioning/tpm/structures.ts';
import { endorsementKeys } from '#provisioning/tpm/templates.ts';
import type { Credential } from '#provisioning/tpm/objects.ts';
import { Tpm } from '#provisioning/tpm/tpm.ts';
import { persistentHandles, TpmKeys } from '#provisioning/tpm/tpm-keys.ts';
import { buffer, parse, sized, struct, u32 } from '#provisioning/tpm/wire.ts';
import { debianPackage } from '../debian-packages.ts';
import { plainSwtpm, temporaryFolder } from './swtpm-maker.ts';

/** Passes a tool's commands to the emulator and the responses back. */
const relay = (port: number): string =>
  `${process.execPath} -e 'const s=require("net").connect(${port},"127.0.0.1");process.stdin.pipe(s).pipe(process.stdout)'`;

/** The file format of tpm2-tools for a credential. */
const credentialFile = struct({ magic: u32, version: u32, credential: buffer(512), encryptedSecret: buffer(512) });
const handleOf = (handle: number): string => `0x${handle.toString(16)}`;
const attestationHandle = handleOf(persistentHandles.attestation);

async function bench(t: TestContext) {
  const swtpm = await plainSwtpm(t);
  const folder = await temporaryFolder(t);
  const keys = new TpmKeys(swtpm);
  await keys.start();
  t.after(() => keys[Symbol.asyncDispose]());
  const env = { ...process.env, TPM2TOOLS_TCTI: `cmd:${relay(swtpm.port)}` };
  const tool = (name: string, ...args: string[]): string => {
    const { status, stdout, stderr } = spawnSync(`tpm2_${name}`, args, { cwd: folder, env, encoding: 'utf8' });
    assert.equal(status, 0, `tpm2_${name}: ${stdout}${stderr}`);
    return stdout;
  };
  /** The tools leave what they loaded in the emulator's slots. */
  const flush = (): void => void tool('flushcontext', '-t');
  const path = (name: string): string => join(folder, name);
  return { swtpm, keys, tool, flush, path, write: (name: string, data: Uint8Array) => writeFile(path(name), data) };
}

test('tpm2-tools read our keys by the Names and public areas that we give them', async (t) => {
  if (!debianPackage(t, 'swtpm') || !debianPackage(t, 'tpm2-tools')) return;
  const { keys, tool, path } = await bench(t);
  const key = await keys.signingKey('operational');
  const said = tool('readpublic', '-c', handleOf(key.handle), '-o', 'key.pub', '-n', 'key.name');
  assert.match(said, /value: fixedtpm\|fixedparent\|sensitivedataorigin\|userwithauth\|noda\|sign\n/);
  assert.deepEqual(parse(sized(publicArea), await readFile(path('key.pub'))), key.area);
  assert.equal((await readFile(path('key.name'))).toString('hex'), Buffer.from(nameOf(key.area)).toString('hex'));
});

test('tpm2_checkquote accepts our quotes and refuses another nonce', async (t) => {
  if (!debianPackage(t, 'swtpm') || !debianPackage(t, 'tpm2-tools')) return;
  const { keys, tool, write } = await bench(t);
  const by = await keys.attestationKey();
  const nonce = randomBytes(20);
  const attestation = await keys.quote(nonce, [0, 7]);
  await write('by.pem', Buffer.from(publicKeyOf(by).export({ type: 'spki', format: 'pem' })));
  await write('quote', attestation.attested);
  await write('signature', signature.write(attestation.signature));
  const check = (qualification: Buffer) =>
    tool(
      'checkquote',
      '-u',
      'by.pem',
      '-m',
      'quote',
      '-s',
      'signature',
      '-g',
      'sha256',
      '-q',
      qualification.toString('hex'),
    );
  check(nonce);
  assert.throws(() => check(randomBytes(20)), /Error validating nonce from quote/);
  assert.match(tool('print', '-t', 'TPMS_ATTEST', 'quote'), new RegExp(`extraData: ${nonce.toString('hex')}`));
});

test('quotes and certificates that tpm2-tools make pass our checks', async (t) => {
  if (!debianPackage(t, 'swtpm') || !debianPackage(t, 'tpm2-tools')) return;
  const { keys, tool, path } = await bench(t);
  const by = await keys.attestationKey();
  const key = await keys.signingKey('birth');
  const nonce = randomBytes(20);
  const extension = createHash('sha256').update('software').digest();
  tool('pcrextend', `16:sha256=${extension.toString('hex')}`);
  const quoted = ['-c', attestationHandle, '-l', 'sha256:0,16', '-q', nonce.toString('hex')];
  tool('quote', ...quoted, '-m', 'quote', '-s', 'quote.sig');
  const read = async (name: string) => ({
    attested: new Uint8Array(await readFile(path(name))),
    signature: parse(signature, await readFile(path(`${name}.sig`))),
  });
  const register = createHash('sha256').update(Buffer.alloc(32)).update(extension).digest();
  const pcrs = new Map([
    [16, register],
    [0, Buffer.alloc(32)],
  ]);
  verifyQuote({ attestation: await read('quote'), by, nonce, pcrs });
  tool(
    'certify',
    '-c',
    handleOf(key.handle),
    '-C',
    attestationHandle,
    '-g',
    'sha256',
    '-o',
    'certify',
    '-s',
    'certify.sig',
  );
  // tpm2_certify has the same nonce for all.
  const certified = { attestation: await read('certify'), by, nonce: Buffer.from('00ff55aa', 'hex'), key: key.area };
  assert.ok(verifyCertify(certified).equals(key.publicKey));
});

for (const [kind, { template }] of Object.entries(endorsementKeys).filter(([name]) => name !== 'p384')) {
  test(`tpm2-tools and we open each other's credentials: endorsement key ${kind}`, async (t) => {
    if (!debianPackage(t, 'swtpm') || !debianPackage(t, 'tpm2-tools')) return;
    const { swtpm, keys, tool, flush, path, write } = await bench(t);
    const by = await keys.attestationKey();
    const name = Buffer.from(nameOf(by));
    const secret = randomBytes(32);
    await write('secret', secret);
    await using tpm = new Tpm(swtpm);
    await tpm.start();

    // Theirs, made without a TPM, opened by our commands.
    const theirs = await (async (): Promise<Credential> => {
      await using key = await tpm.createPrimary('endorsement', template);
      await write('ek.pub', sized(publicArea).write(key.area));
      await tpm.persist(key, 0x81010001);
      tool('makecredential', '-T', 'none', '-u', 'ek.pub', '-s', 'secret', '-n', name.toString('hex'), '-o', 'theirs');
      return parse(credentialFile, await readFile(path('theirs')));
    })();
    const endorsementKey = await tpm.readPublic(0x81010001);
    const activated = await tpm.activateCredential(
      await tpm.readPublic(persistentHandles.attestation),
      endorsementKey,
      theirs,
    );
    assert.equal(Buffer.from(activated).toString('hex'), secret.toString('hex'));

    // Ours, made without a TPM, opened by their commands.
    const ours = makeCredential(endorsementKey.area, name, secret);
    await write('ours', credentialFile.write({ magic: 0xbadcc0de, version: 1, ...ours }));
    tool('startauthsession', '--policy-session', '-S', 'session');
    tool('policysecret', '-S', 'session', '-c', 'e');
    const using = ['-c', attestationHandle, '-C', '0x81010001', '-P', 'session:session'];
    tool('activatecredential', ...using, '-i', 'ours', '-o', 'opened');
    assert.equal((await readFile(path('opened'))).toString('hex'), secret.toString('hex'));
    flush();
  });
}

test('response codes are explained with the same place and kind of fault that tpm2_rc_decode names', (t) => {
  if (!debianPackage(t, 'tpm2-tools')) return;
  for (const code of [
    0x1df, 0x18b, 0x28b, 0x9a2, 0x98e, 0xaa2, 0x2d5, 0x1c4, 0x902, 0x922, 0x100, 0x101, 0x14c, 0x921,
  ]) {
    const { stdout } = spawnSync('tpm2_rc_decode', [`0x${code.toString(16)}`], { encoding: 'utf8' });
    const place = /(parameter|handle|session)\((\w+)\)/.exec(stdout);
    const ours = explain(code);
    if (place === null) assert.doesNotMatch(ours, /: (parameter|handle|session) \d/, stdout);
    else assert.match(ours, new RegExp(`: ${place[1]} ${place[2]}: `), stdout);
    assert.equal(/warn\(/.test(stdout), (code & 0x980) === 0x900, stdout);
  }
});
