import { InvalidArgumentError } from 'commander';
import { tpmAddressOf } from '#provisioning/tpm/tpm-address.ts';
import { type SelfTestStep, selfTest } from '#provisioning/tpm/self-test.ts';

interface SelfTestFlags {
  readonly tpm: string;
  readonly rounds: number;
  readonly json?: boolean;
}

const mostRounds = 10_000;

/** A number of rounds as it is typed. */
export function parseRounds(text: string): number {
  const rounds = Number(text);
  if (/^\d+$/.test(text) && rounds >= 1 && rounds <= mostRounds) return rounds;
  throw new InvalidArgumentError(`It is a number from 1 to ${mostRounds}.`);
}

/** Tests a TPM as a technician does on a new board, and tells how fast it is. */
export async function runSelfTest({ tpm, rounds, json }: SelfTestFlags): Promise<void> {
  const { port } = tpmAddressOf(tpm);
  const steps = await selfTest(port, { rounds, ...(json !== true && { onStep: tell }) });
  if (json === true) process.stdout.write(`${JSON.stringify({ tpm: port.name, passed: true, steps })}\n`);
  else process.stderr.write(`${port.name} has passed.\n`);
}

const tell = (step: SelfTestStep): void => void process.stdout.write(`${lineOf(step)}\n`);

const figure = (ms: number): string => ms.toFixed(1).padStart(9);

const lineOf = ({ step, times, medianMs, worstMs }: SelfTestStep): string =>
  `${step.padEnd(16)}${String(times).padStart(5)} ×  median${figure(medianMs)} ms  worst${figure(worstMs)} ms`;
