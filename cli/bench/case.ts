import { readFileSync } from 'node:fs';
import { basename, dirname, isAbsolute, join } from 'node:path';
import { GridError, reasonOf } from '#hal/errors.ts';
import type { Role } from '#drivers/driver.ts';
import { driverNamed } from '#drivers/registry.ts';
import { devicesOf, isEmulated } from '#edge/board-devices.ts';
import { type BoardFile, loadBoardFile, parseBoardFile } from '#edge/board-file.ts';
import { type Fault, isDevice, parsePlan, stepsWith } from './plan.ts';
import type { Conditions, Plan, Step } from './plan-schema.ts';

/** A plan with the board that it is run on. */
export interface BenchCase {
  readonly plan: Plan;
  /** `limit-tracking`, or `limit-tracking inverter-704` of a plan for several. */
  readonly name: string;
  readonly board: BoardFile;
  readonly steps: readonly Step[];
}

/** The name of a plan: that of its file. */
export const planName = (path: string): string => basename(path).replace(/\.ya?ml$/, '');

/**
 * Reads a plan and the boards that it is for.
 * @param boardPath a board file in place of the plan's own, and of its matrix
 * @throws GridError GTX-BEN-001 (cannot be read, not YAML) · 002 (line, key and what was expected) · GTX-BRD-001, 002
 *   for the board file
 */
export function loadCases(path: string, boardPath?: string): readonly BenchCase[] {
  const { value: plan, fault } = parsePlan(path, readInput(path));
  const name = planName(path);
  const board = loadBoardFile(boardPath ?? besidePlan(path, plan.board));
  if (boardPath !== undefined || plan.matrix === undefined) {
    return [checked({ plan, name, board, steps: stepsWith(plan, fault) }, fault)];
  }
  return plan.matrix.map((row, i) => {
    const rowFault: Fault = (_path, text) => fault(['matrix', i, 'name'], text);
    const withRow = boardWith(board, row.devices, (text) => fault(['matrix', i, 'devices'], text));
    const steps = stepsWith(plan, fault, row.values);
    return checked({ plan, name: `${name} ${row.name}`, board: withRow, steps }, rowFault);
  });
}

const besidePlan = (plan: string, file: string): string => (isAbsolute(file) ? file : join(dirname(plan), file));

function readInput(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new GridError('GTX-BEN-001', `${path} cannot be read: ${reasonOf(error)}`, {
      kind: 'input',
      hint: 'Check the path and that you may read it; `gridtokenx bench --list` names the plans that are there.',
      cause: error,
    });
  }
}

/** The board with other devices, checked as if its file said so. */
function boardWith(board: BoardFile, devices: object, fault: (text: string) => GridError): BoardFile {
  const { path, ...settings } = board;
  const text = JSON.stringify({ ...settings, devices: { ...settings.devices, ...devices } });
  try {
    return { ...parseBoardFile(path, text), path };
  } catch (error) {
    if (!(error instanceof GridError)) throw error;
    throw fault(`the board ${error.message.replace(/^\S+ /, '')}`);
  }
}

/** What a plan asks of the board that it is run on. */
function checked(bench: BenchCase, fault: Fault): BenchCase {
  const { plan, board, steps } = bench;
  steps.forEach((step, i) => {
    for (const role of rolesOf(step)) {
      if (board.devices[role] === undefined)
        throw fault(['steps', i], `it needs a board with ${role}, ${board.path} has none`);
    }
  });
  const other = devicesOf(board).find(({ role, entry }) => driverNamed(role, entry.driver).wire !== 'modbus');
  if (plan.line?.faults !== undefined && other !== undefined) {
    throw fault(
      ['line', 'faults'],
      `expected a board with Modbus devices only: ${other.entry.driver} would not wait for its line`,
    );
  }
  const units = new Set(devicesOf(board).map(({ entry }) => entry['unit']));
  (plan.neighbours ?? []).forEach(({ unit }, i) => {
    if (units.has(unit)) throw fault(['neighbours', i, 'unit'], `unit ${unit} is a device of ${board.path}`);
    units.add(unit);
  });
  const { clamps } = board.devices;
  if (plan.neighbours !== undefined && clamps?.['unit'] === undefined) {
    throw fault(['neighbours'], `expected clamps on Modbus in ${board.path}: the neighbours are on their line`);
  }
  return bench;
}

/** Which device a quantity needs, whose absence makes it none. */
const neededBy: Readonly<Record<string, Role>> = {
  pvPower: 'inverter',
  reactivePower: 'inverter',
  connected: 'inverter',
  batteryPower: 'battery',
  charge: 'battery',
  roundTrip: 'battery',
};

function rolesOf(step: Step): readonly Role[] {
  if ('expect' in step) {
    const role = neededBy[step.expect.quantity];
    return role === undefined ? [] : [role];
  }
  if ('dispatch' in step) return step.dispatch.batteryW === undefined ? [] : ['battery'];
  if ('set' in step) {
    const { irradianceWm2, ripplePercent } = step.set;
    return [
      ...(irradianceWm2 === undefined ? [] : (['inverter'] as const)),
      ...(ripplePercent === undefined ? [] : (['ripple'] as const)),
    ];
  }
  const named = 'pull' in step ? step.pull : 'restore' in step ? step.restore : undefined;
  return named !== undefined && isDevice(named) ? [named] : [];
}

/** Whether the emulation has a device. */
export function isTwinned({ board }: Pick<BenchCase, 'board'>, role: Role): boolean {
  const entry = board.devices[role];
  return entry !== undefined && isEmulated(board, entry);
}

/** Whether nothing of the board is real: its time may run as fast as it can. */
export const isAllTwins = ({ board }: Pick<BenchCase, 'board'>): boolean =>
  devicesOf(board).every(({ entry }) => isEmulated(board, entry));

/** Of the conditions, those that a person has to bring about because what they act on is real. */
export function conditionsToAskFor(bench: Pick<BenchCase, 'board'>, conditions: Conditions): Conditions {
  const { irradianceWm2, temperatureC, loadW, voltagePercent, frequencyHz, ripplePercent } = conditions;
  const isSunReal = !isTwinned(bench, 'inverter');
  const isGridReal = !isAllTwins(bench);
  return {
    ...(isSunReal && irradianceWm2 !== undefined && { irradianceWm2 }),
    ...(isSunReal && temperatureC !== undefined && { temperatureC }),
    ...(!isTwinned(bench, 'clamps') && loadW !== undefined && { loadW }),
    ...(isGridReal && voltagePercent !== undefined && { voltagePercent }),
    ...(isGridReal && frequencyHz !== undefined && { frequencyHz }),
    ...(!isTwinned(bench, 'ripple') && ripplePercent !== undefined && { ripplePercent }),
  };
}
