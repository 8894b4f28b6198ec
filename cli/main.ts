import { followLauncher } from './launcher-guard.ts';
import { describeError, exitCodes, type Output, runProgram, type Subcommand } from './program.ts';
import { versionOfPackage } from './version.ts';

const subcommands: readonly Subcommand[] = [
  {
    name: 'campus',
    summary: 'run a whole campus on this machine: 25 boards, head-end, database, ledger, dashboard',
    load: async () => (await import('./campus.ts')).campusCommand(),
  },
  {
    name: 'head-end',
    summary: 'run the head-end alone, for boards and clients that run elsewhere',
    load: async () => (await import('./head-end.ts')).headEndCommand(),
  },
  {
    name: 'edge',
    summary: 'run one board, real or emulated',
    load: async () => (await import('./edge.ts')).edgeCommand(),
  },
  {
    name: 'provision',
    summary: 'make a certificate authority and issue device certificates',
    load: async () => (await import('./provision.ts')).provisionCommand(),
  },
  {
    name: 'quarantine',
    summary: 'keep a device out until somebody has looked at it; or release it',
    load: async () => (await import('./quarantine.ts')).quarantineCommand(),
  },
  {
    name: 'verify',
    summary: 'check what was written, with nothing but the file',
    load: async () => (await import('./verify.ts')).verifyCommand(),
  },
  {
    name: 'access',
    summary: 'say who may use REST and the dashboard of a head-end',
    load: async () => (await import('./access.ts')).accessCommand(),
  },
  {
    name: 'twin',
    summary: 'simulate Modbus devices on the wire',
    load: async () => (await import('./twin.ts')).twinCommand(),
  },
  {
    name: 'bench',
    summary: 'run bench plans against real or simulated devices',
    load: async () => (await import('./bench.ts')).benchCommand(),
  },
  {
    name: 'boards',
    summary: 'list and check board files and register maps',
    load: async () => (await import('./boards.ts')).boardsCommand(),
  },
  {
    name: 'detect',
    summary: 'tell who is on a Modbus bus or a serial line',
    load: async () => (await import('./detect.ts')).detectCommand(),
  },
  {
    name: 'read',
    summary: 'read what devices measure, in physical units',
    load: async () => (await import('./read.ts')).readCommand(),
  },
  {
    name: 'limit',
    summary: 'try a limit on a site, or tell what it would write',
    load: async () => (await import('./limit.ts')).limitCommand(),
  },
  {
    name: 'commission',
    summary: 'check the clamps of a site that a board was just put into',
    load: async () => (await import('./commission.ts')).commissionCommand(),
  },
  {
    name: 'doctor',
    summary: 'look for what is wrong with a board, and say how to mend it',
    load: async () => (await import('./doctor.ts')).doctorCommand(),
  },
  {
    name: 'explain',
    summary: 'why a device has the limits that it has now',
    load: async () => (await import('./explain.ts')).explainCommand(),
  },
  {
    name: 'recording',
    summary: 'show and replay what a board recorded of its devices, and make a test of it',
    load: async () => (await import('./recording.ts')).recordingCommand(),
  },
  {
    name: 'exchanges',
    summary: 'record IEEE 2030.5 exchanges at a head-end and replay them against either end',
    load: async () => (await import('./exchanges.ts')).exchangesCommand(),
  },
];

const output: Output = {
  stdout: (text) => void process.stdout.write(text),
  stderr: (text) => void process.stderr.write(text),
};
const debug = ['debug', 'trace'].includes(process.env['GRIDTOKENX_LOG'] ?? '');

followLauncher();
process.on('uncaughtException', (error) => {
  output.stderr(`${describeError(error, debug)}\n`);
  process.exit(exitCodes.failed);
});

const code = await runProgram(process.argv.slice(2), { version: versionOfPackage(), subcommands, output, debug });
// A failed command ends at once, whatever it left open; one that succeeded has nothing left to wait for.
if (code === exitCodes.done) process.exitCode = code;
else process.exit(code);
