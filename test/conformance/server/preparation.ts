import assert from 'node:assert/strict';
import type { Instruction, Parameters } from '../procedure.ts';
import { resolveAll } from '../expressions.ts';
import { textOf, variablesOf } from './parameters.ts';
import { activePower } from './quantities.ts';
import { Utility, type Program } from './utility.ts';
import { setMaxW, type VirtualClient } from './virtual-client.ts';
import type { Content } from './xml.ts';

/** What is asked of a control that says nothing of its time, seconds. */
const usualDuration = 300;
const usualDelay = 60;

const powers = ['opModImpLimW', 'opModExpLimW', 'opModGenLimW', 'opModLoadLimW', 'opModStorageTargetW'] as const;
const plain = ['opModConnect', 'opModEnergize', 'opModFixedW', 'rampTms'] as const;

/** Names of the settings' poll rates by the resource's name in the procedures. */
const rates: Readonly<Record<string, string>> = {
  DeviceCapability: 'dcap',
  EndDeviceList: 'edev',
  FunctionSetAssignmentsList: 'fsa',
  DERProgramList: 'derp',
  DERControlList: 'derc',
  DERList: 'der',
  MirrorUsagePointList: 'mup',
};

/** A DERControlBase from a procedure's parameters. */
const controlBase = (parameters: Parameters): Content => ({
  ...Object.fromEntries(plain.flatMap((name) => (name in parameters ? [[name, parameters[name] as Content]] : []))),
  ...Object.fromEntries(
    powers.flatMap((name) => (name in parameters ? [[name, activePower(Number(parameters[name]))]] : [])),
  ),
});

/** What the operator of the server does for one client, as the procedures' admin instructions ask it. */
export class Preparation {
  readonly #client: VirtualClient;
  readonly #utility: Utility;
  /** When the last scheduled control ends. */
  #scheduledUntil = 0;
  #madeAt = 0;

  constructor(client: VirtualClient) {
    this.#client = client;
    this.#utility = new Utility(client);
  }

  /** Before the first step. */
  async start(): Promise<void> {
    if (this.#client.kind === 'aggregator') await this.#utility.aggregator();
  }

  async follow({ type, parameters }: Instruction): Promise<void> {
    const values = resolveAll(parameters, variablesOf({ setMaxW }));
    switch (type) {
      case 'ensure-end-device':
        if (values['registered'] === true) await this.#utility.register();
        return;
      case 'ensure-mup-list-empty':
        // A test's device is its own: it has mirrored nothing yet.
        return;
      case 'ensure-fsa':
        await this.#utility.assign(textOf(values, 'annotation'));
        return;
      case 'ensure-der-program':
        await this.#makeProgram(Number(values['primacy'] ?? 1), textOf(values, 'fsa_annotation'));
        return;
      case 'ensure-der-control-list':
        await this.#program(values['primacy']);
        return;
      case 'create-der-control':
        await this.#createControl(values);
        return;
      case 'create-default-der-control':
        await this.#setDefault(values);
        return;
      case 'clear-der-controls':
        for (const program of this.#utility.programs) {
          for (const control of program.controls.splice(0)) await this.#utility.cancel(program, control);
        }
        return;
      case 'set-poll-rate':
        await this.#setPollRate(textOf(values, 'resource'), Number(values['rate_seconds']));
        return;
      case 'set-post-rate':
        await this.#utility.change({ postRate: Number(values['rate_seconds']) });
        return;
      case 'set-client-access':
        assert.equal(values['granted'], false);
        await this.#utility.remove();
        return;
      default:
        throw new Error(`unknown admin instruction ${type}`);
    }
  }

  /** The annotations of the assignments, first made first. */
  get annotations(): readonly string[] {
    return this.#utility.assignments.map(({ annotation }) => annotation);
  }

  async #makeProgram(primacy: number, annotation?: string): Promise<Program> {
    const program = await this.#utility.addProgram(primacy, annotation);
    // A program has a default from the start, so that a client can subscribe to it.
    await this.#utility.setDefault(program, { DERControlBase: {} });
    return program;
  }

  /** The program of a primacy, or the last one made; a new one where there is none. */
  async #program(primacy: unknown): Promise<Program> {
    const { programs } = this.#utility;
    const known = programs.findLast((program) => primacy === undefined || program.primacy === primacy);
    return known ?? this.#makeProgram(Number(primacy ?? 1));
  }

  async #createControl(values: Parameters): Promise<void> {
    const program = await this.#program(values['primacy']);
    // The newer control wins, and creationTime has seconds.
    if (values['status'] === 'active' && this.#madeAt === this.#client.stand.now()) await this.#client.stand.advance(1);
    const now = this.#client.stand.now();
    this.#madeAt = now;
    const duration = Number(values['duration_seconds'] ?? usualDuration);
    const offset = values['start_offset_seconds'];
    const isScheduled = values['status'] === 'scheduled';
    const next = Math.max(now + usualDelay, this.#scheduledUntil);
    const start = !isScheduled ? now : offset === undefined ? next : now + Number(offset);
    if (isScheduled) this.#scheduledUntil = start + duration;
    const randomizeStart = values['randomizeStart_seconds'];
    await this.#utility.addControl(program, {
      interval: { duration, start },
      ...(randomizeStart === undefined ? {} : { randomizeStart: Number(randomizeStart) }),
      DERControlBase: controlBase(values),
    });
  }

  async #setDefault(values: Parameters): Promise<void> {
    const setGradW = values['setGradW'];
    await this.#utility.setDefault(await this.#program(values['primacy']), {
      DERControlBase: controlBase(values),
      ...(setGradW === undefined ? {} : { setGradW: Number(setGradW) }),
    });
  }

  async #setPollRate(resource: string, seconds: number): Promise<void> {
    const name = rates[resource];
    assert.ok(name !== undefined, `no poll rate of ${resource}`);
    await this.#client.stand.operator.done('PATCH', '/settings', { pollRate: { [name]: seconds } });
  }
}
