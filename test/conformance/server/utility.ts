import assert from 'node:assert/strict';
import { textOf } from './parameters.ts';
import type { Elements, JsonObject, Operator } from './operator.ts';
import type { VirtualClient } from './virtual-client.ts';

/** A DERProgram of a client, as the operator knows it. */
export interface Program {
  readonly id: string;
  readonly primacy: number;
  readonly controls: string[];
}

/** A FunctionSetAssignments of a client, and the programs that it assigns. */
export interface Assignment {
  readonly id: string;
  readonly annotation: string;
  readonly programs: string[];
}

/** What the operator does for one client, over REST. */
export class Utility {
  readonly client: VirtualClient;
  readonly assignments: Assignment[] = [];
  readonly programs: Program[] = [];
  readonly #operator: Operator;
  #device: string | undefined;

  constructor(client: VirtualClient) {
    this.client = client;
    this.#operator = client.stand.operator;
  }

  /** The device's id. */
  get device(): string {
    assert.ok(this.#device !== undefined, 'the device is not registered');
    return this.#device;
  }

  /** An aggregator's certificate is known to the utility before any of its devices is. */
  async aggregator(): Promise<string> {
    const { lfdi } = this.client.raw;
    const answer = await this.#operator.ask('GET', `/devices/${lfdi}`);
    if (answer.status === 200) return lfdi;
    return this.#operator.make('/devices', { lfdi, pin: this.client.pin, isAggregator: true });
  }

  /** Registers the client's device, unless it has done so itself in band. */
  async register(facts: JsonObject = {}): Promise<void> {
    const { lfdi, pin, kind } = this.client;
    if (this.#device !== undefined) return;
    const aggregator = kind === 'aggregator' ? { aggregator: await this.aggregator() } : {};
    const known = await this.#operator.ask('GET', `/devices/${lfdi}`);
    if (known.status === 200) {
      this.#device = textOf(known.body, 'id');
      return;
    }
    this.#device = await this.#operator.make('/devices', { lfdi, pin, ...aggregator, ...facts });
  }

  async change(facts: JsonObject): Promise<void> {
    await this.#operator.done('PATCH', `/devices/${this.device}`, facts);
  }

  async remove(): Promise<void> {
    await this.#operator.done('DELETE', `/devices/${this.device}`);
  }

  /** What the operator is told about the device: `der`, `responses`, `log-events`, … */
  read(what: string): Promise<JsonObject> {
    return this.#operator.done('GET', `/devices/${this.device}/${what}`);
  }

  /** The assignment of that name; made where there is none. */
  async assign(annotation: string): Promise<Assignment> {
    const known = this.assignments.find((assignment) => assignment.annotation === annotation);
    if (known !== undefined) return known;
    await this.register();
    const body = { description: annotation, programs: [], devices: [this.device] };
    const made = { id: await this.#operator.make('/function-set-assignments', body), annotation, programs: [] };
    this.assignments.push(made);
    return made;
  }

  /** Says anew which programs an assignment holds, and whether it is the device's. */
  async reassign({ id, annotation, programs }: Assignment, isAssigned = true): Promise<void> {
    await this.#operator.done('PUT', `/function-set-assignments/${id}`, {
      description: annotation,
      programs,
      devices: isAssigned ? [this.device] : [],
    });
  }

  /** A new program, in the last assignment unless another is named. */
  async addProgram(primacy: number, annotation?: string): Promise<Program> {
    const assignment = await this.assign(annotation ?? this.assignments.at(-1)?.annotation ?? 'fsa');
    const id = await this.#operator.make('/programs', { description: `primacy ${primacy}`, primacy });
    const program = { id, primacy, controls: [] };
    this.programs.push(program);
    assignment.programs.push(id);
    await this.reassign(assignment);
    return program;
  }

  async changePrimacy({ id }: Program, primacy: number): Promise<void> {
    const { id: _id, href: _href, ...program } = await this.#operator.done('GET', `/programs/${id}`);
    await this.#operator.done('PUT', `/programs/${id}`, { ...program, primacy });
  }

  async removeProgram({ id }: Program): Promise<void> {
    await this.#operator.done('DELETE', `/programs/${id}`);
  }

  async setDefault({ id }: Program, content: Elements): Promise<void> {
    await this.#operator.done('PUT', `/programs/${id}/default-control`, content);
  }

  /** A DERControl that asks for all responses, unless it says otherwise; answers its id. */
  async addControl(program: Program, content: Elements): Promise<string> {
    const body = { responseRequired: '03', ...content };
    const control = await this.#operator.make(`/programs/${program.id}/controls`, body);
    program.controls.push(control);
    return control;
  }

  /** A cancelled control stays in the list; what is over cannot be cancelled any more. */
  async cancel({ id }: Program, control: string, how: JsonObject = {}): Promise<void> {
    const answer = await this.#operator.ask('POST', `/programs/${id}/controls/${control}/cancel`, how);
    assert.ok(answer.status < 300 || [404, 409, 422].includes(answer.status), JSON.stringify(answer.body));
  }

  /** Answers the href of a new curve. */
  async addCurve({ id }: Program, content: Elements): Promise<string> {
    return textOf(await this.#operator.done('POST', `/programs/${id}/curves`, content), 'href');
  }

  async setConnectionPoint(content: JsonObject): Promise<void> {
    await this.#operator.done('PUT', `/devices/${this.device}/connection-point`, content);
  }
}
