import { Command, Option } from 'commander';
import { identityFiles } from '#provisioning/identity-files.ts';
import { revocationReasons } from '#provisioning/revocation-list.ts';
import { profiles } from '#provisioning/validity.ts';
import { askingHeadEnd } from './operator.ts';
import { encryptKeys, initialise, makeLists, parseIssuingKey } from './provision/authority.ts';
import { endorsement, enrol } from './provision/enrol.ts';
import { allow, allowed, disallow, release } from './provision/flashed-boards.ts';
import { inspect } from './provision/inspect.ts';
import { issue, renew } from './provision/issue.ts';
import { replace } from './provision/replace.ts';
import { revoke } from './provision/revoke.ts';
import { parseRounds, runSelfTest } from './provision/self-test.ts';
import { serve } from './provision/serve.ts';
import { status } from './provision/status.ts';
import { swap } from './provision/swap.ts';
import { verifyLog } from './provision/verify-log.ts';

const authorityOption = new Option('--ca <dir>', 'the folder of the authority').makeOptionMandatory();
const passphraseOption = new Option(
  '--passphrase-file <file>',
  'the passphrase of its keys; else GRIDTOKENX_CA_PASSPHRASE, DIR.passphrase, or typed',
);
const caTpmOption = new Option(
  '--ca-tpm <where>',
  'its issuing key is in this TPM, and nowhere else: /dev/tpmrm0, or swtpm:HOST:PORT',
);
const jsonOption = new Option('--json', 'print the result as JSON');
const reasonOption = new Option('--reason <reason>', 'why').choices(Object.keys(revocationReasons));
const daysOption = new Option('--days <number>', 'how long an operational certificate lasts; 90 unless told').argParser(
  Number,
);

/** `gridtokenx provision`: the certificate authority and the certificates of devices. */
export function provisionCommand(): Command {
  const provision = new Command('provision').description('Make a certificate authority; issue, renew and revoke.');
  provision.addCommand(authorityCommand());
  provision
    .command('issue')
    .description(`Issue a device certificate: writes ${Object.values(identityFiles).join(', ')}.`)
    .addOption(authorityOption)
    .addOption(caTpmOption)
    .addOption(passphraseOption)
    .requiredOption('--out <dir>', "the folder for the device's files")
    .option('--csr <file>', 'a certificate request (PKCS#10) instead of a new key in a file')
    .option('--serial <text>', "the hardware's serial number; a random one unless told")
    .addOption(new Option('--profile <name>', 'what it is for').choices(Object.keys(profiles)).default('device'))
    .addOption(daysOption)
    .option('--host <name...>', 'DNS names and IP addresses of a server')
    .option('--rest', 'for a REST server, below the REST root, instead of a device')
    .option('--json', 'print lfdi, sfdi, pin and the files as JSON')
    .action(issue);
  provision
    .command('renew')
    .description('Issue a new certificate for the same device and key, in place of the one in its folder.')
    .argument('<dir>', 'the folder of the device')
    .addOption(authorityOption)
    .addOption(caTpmOption)
    .addOption(passphraseOption)
    .addOption(daysOption)
    .option('--if-due', 'only when no more than 30 days are left')
    .addOption(jsonOption)
    .action(renew);
  provision
    .command('revoke')
    .description('Revoke a certificate: peers that check revocation refuse it from then on.')
    .argument('<lfdi-or-file>', 'its LFDI, or the certificate')
    .addOption(authorityOption)
    .addOption(caTpmOption)
    .addOption(passphraseOption)
    .addOption(reasonOption.makeOptionMandatory())
    .action(revoke);
  provision
    .command('replace')
    .description('In an emergency: a new issuing authority, and a new certificate for every live device and its key.')
    .addOption(authorityOption)
    .addOption(caTpmOption)
    .addOption(passphraseOption)
    .requiredOption('--out <dir>', 'a folder for the new certificates, one folder a device')
    .option('--resume', 'go on with a replacement that was broken off')
    .addOption(jsonOption)
    .action(replace);
  provision
    .command('inspect')
    .description('Explain a certificate, chain, key, request or revocation list, and what is wrong with it.')
    .argument('<file>')
    .addOption(jsonOption)
    .action(inspect);
  provision
    .command('status')
    .description('How many days are left, of everything that an authority has issued or that lies in a folder.')
    .argument('<dir>', "an authority's folder, or one with identities in it")
    .addOption(jsonOption)
    .action(status);
  provision
    .command('serve')
    .description('Serve revocation lists and OCSP over HTTP until it is told to stop.')
    .addOption(authorityOption)
    .addOption(caTpmOption)
    .addOption(passphraseOption)
    .option('--host <address>', 'where to listen', '127.0.0.1')
    .addOption(new Option('--port <number>', '0 for any free port').argParser(Number).default(8081))
    .action(serve);
  provision
    .command('log')
    .description('The log of everything that was issued.')
    .command('verify')
    .description('Check that nothing in the log was edited, cut or reordered.')
    .addOption(authorityOption)
    .option('--head <hash>', 'the hash of an entry that was noted elsewhere and must be in it')
    .addOption(jsonOption)
    .action(verifyLog);
  addEnrolment(provision);
  return provision;
}

const tpmOption = new Option('--tpm <where>', 'its TPM: /dev/tpmrm0, or swtpm:HOST:PORT for an emulator').default(
  '/dev/tpmrm0',
);
const serialOption = new Option('--serial <text>', 'serial number of the board').makeOptionMandatory();
const buildingOption = new Option('--building <meter>', 'meter id of its building').makeOptionMandatory();

/** Boards with a TPM: who may enrol, and enrolment itself. */
function addEnrolment(provision: Command): void {
  provision
    .command('endorsement')
    .description('Tell the hash of a TPM’s endorsement key, by which the list of flashed boards knows it.')
    .addOption(tpmOption)
    .addOption(jsonOption)
    .action(endorsement);
  provision
    .command('self-test')
    .description('Test a TPM: make keys, sign, certify and quote, and tell how long each takes. Nothing of it is kept.')
    .addOption(tpmOption)
    .option('--rounds <number>', 'how often it signs, certifies and quotes', parseRounds, 20)
    .addOption(jsonOption)
    .action(runSelfTest);
  askingHeadEnd(
    provision
      .command('allow')
      .description('Put a board on a head-end’s list of flashed boards: its TPM may enrol for a building.')
      .argument('<hash>', 'of its TPM’s endorsement key; `provision endorsement` tells it')
      .addOption(serialOption)
      .addOption(buildingOption),
  ).action(allow);
  askingHeadEnd(
    provision.command('allowed').description('List the boards that may enrol, or are enrolled.').addOption(jsonOption),
  ).action(allowed);
  askingHeadEnd(
    provision
      .command('release')
      .description('Let an enrolled board enrol once more: its data or its TPM were lost.')
      .argument('<serial>'),
  ).action(release);
  askingHeadEnd(
    provision
      .command('disallow')
      .description('Take a board that is not enrolled off the list: its serial number may get another TPM.')
      .argument('<serial>'),
  ).action(disallow);
  askingHeadEnd(
    provision
      .command('swap')
      .description(
        'Say that the board, its TPM or the clamps of a building were swapped: the building stays one device, its\n' +
          'registers go on without a jump, and the certificate before is retired. Before the new meters count.',
      )
      .argument('<device>', 'the meter id of the building, or its LFDI')
      .requiredOption('--reason <text>', 'what was swapped and why; it is in the security log')
      .addOption(
        new Option('--registers <how>', 'whether the new meters count from another value, or the same ones go on')
          .choices(['anew', 'kept'])
          .default('anew'),
      )
      .option(
        '--certificate <lfdi-or-file>',
        'the certificate that takes the place of the one before; left out where it stays, or the new board enrols',
      ),
  ).action(swap);
  provision
    .command('enrol')
    .description('Enrol this board: what its TPM attests proves it to the head-end, which issues its certificates.')
    .requiredOption('--server <url>', 'the enrolment service: https://HEAD-END:8444')
    .requiredOption('--ca <file>', 'root certificate of the campus (PEM); no other head-end is trusted')
    .addOption(tpmOption)
    .addOption(serialOption)
    .addOption(buildingOption)
    .requiredOption('--out <dir>', 'folder for its certificates; keys stay in the TPM')
    .addOption(jsonOption)
    .action(enrol);
}

function authorityCommand(): Command {
  const authority = new Command('ca').description('The certificate authority of a campus.');
  authority
    .command('init')
    .description('Make a new authority: root, policy and issuing certificates with their encrypted keys.')
    .requiredOption('--out <dir>', 'the folder to make it in')
    .addOption(passphraseOption)
    .option('--address <url>', 'where `provision serve` will be reached: http://HOST:8081; certificates say so')
    .addOption(
      new Option(
        '--issuing-key <where>',
        'make the issuing key in a TPM: tpm:/dev/tpmrm0, or tpm:swtpm:HOST:PORT for an emulator',
      ).argParser(parseIssuingKey),
    )
    .addOption(new Option('--rest-root <kind>', 'a root for REST servers, too').choices(['rsa4096']))
    .action(initialise);
  authority
    .command('encrypt')
    .description('Encrypt the keys of an authority that are not yet.')
    .addOption(authorityOption)
    .addOption(passphraseOption)
    .action(encryptKeys);
  authority
    .command('lists')
    .description('Make the revocation lists anew that have grown old; those of root and policy need their keys.')
    .addOption(authorityOption)
    .addOption(caTpmOption)
    .addOption(passphraseOption)
    .action(makeLists);
  return authority;
}
