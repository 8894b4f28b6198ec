import { Command, CommanderError } from 'commander';
import { GridError } from '#hal/errors.ts';

/** A subcommand of `gridtokenx`: its code is loaded only when it is asked for, so that `--help` stays fast. */
export interface Subcommand {
  readonly name: string;
  readonly summary: string;
  readonly load: () => Promise<Command>;
}

export interface Output {
  stdout(text: string): void;
  stderr(text: string): void;
}

export interface ProgramOptions {
  readonly version: string;
  readonly subcommands: readonly Subcommand[];
  readonly output: Output;
  /** Show stack traces with errors. */
  readonly debug: boolean;
}

/** What a command exits with: it did what it says, it failed while running, or it was asked wrongly. */
export const exitCodes = { done: 0, failed: 1, usage: 2 } as const;

/**
 * Runs the command line `args` (without node and the script) and resolves with the exit code. Every failure is
 * told on stderr in a line with its `GTX-…` code: GTX-CLI-002 for wrong usage, GTX-CLI-999 for an error that
 * nobody foresaw.
 */
export async function runProgram(args: readonly string[], options: ProgramOptions): Promise<number> {
  const program = new Command('gridtokenx')
    .description('The energy edge system GridTokenX: boards, market and settlement of a campus.')
    .version(options.version, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print this help');
  const named = args.filter((arg) => !arg.startsWith('-')).slice(0, 2);
  for (const { name, summary, load } of options.subcommands) {
    program.addCommand(named.includes(name) ? await load() : new Command(name).summary(summary));
  }
  takeOver(program, options.output);
  try {
    await program.parseAsync(args, { from: 'user' });
    return exitCodes.done;
  } catch (error) {
    return report(error, program, args, options);
  }
}

/** Commander throws instead of exiting, and leaves it to us to tell errors. */
function takeOver(command: Command, output: Output): void {
  command.exitOverride();
  command.configureOutput({
    writeOut: (text) => output.stdout(text),
    writeErr: (text) => output.stderr(text),
    outputError: () => undefined,
  });
  for (const inner of command.commands) takeOver(inner, output);
}

function report(error: unknown, program: Command, args: readonly string[], options: ProgramOptions): number {
  if (error instanceof CommanderError) {
    if (error.exitCode === 0) return exitCodes.done;
    const asked = commandOf(program, args);
    const message = error.code === 'commander.help' ? 'A command is missing' : error.message.replace(/^error: /, '');
    options.output.stderr(`GTX-CLI-002 ${message}\n  hint: \`${asked} --help\` lists what it takes.\n`);
    return exitCodes.usage;
  }
  options.output.stderr(`${describeError(error, options.debug)}\n`);
  return error instanceof GridError && error.kind === 'input' ? exitCodes.usage : exitCodes.failed;
}

/** How a person calls the innermost command that `args` name: `gridtokenx provision ca`. */
function commandOf(program: Command, args: readonly string[]): string {
  const path = [program.name()];
  let command = program;
  for (const arg of args) {
    const next = command.commands.find((inner) => inner.name() === arg);
    if (next === undefined) break;
    path.push(arg);
    command = next;
  }
  return path.join(' ');
}

/** What is printed of an error: its line and hint, and with `debug` its stack and what caused it. */
export function describeError(error: unknown, debug: boolean): string {
  const line =
    error instanceof GridError
      ? error.describe()
      : `GTX-CLI-999 Unexpected error: ${error instanceof Error ? error.message : String(error)}\n` +
        '  hint: Run it again with GRIDTOKENX_LOG=debug and report what it prints.';
  return debug ? [line, ...stacksOf(error)].join('\n') : line;
}

function stacksOf(error: unknown): string[] {
  const stacks: string[] = [];
  for (let at = error; at instanceof Error && stacks.length < 5; at = at.cause) stacks.push(at.stack ?? at.message);
  return stacks;
}
