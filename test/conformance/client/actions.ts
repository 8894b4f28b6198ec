import type { Instruction } from '../procedure.ts';
import { limitModes } from './utility/documents.ts';
import type { Variables } from '../expressions.ts';
import { Given } from './given.ts';
import type { Modes, Rates, UtilityProgram, UtilityRateComponent, UtilityTariff } from './utility/state.ts';
import type { Utility } from './utility/utility.ts';

/** What the actions of a run work on. */
export interface Stage {
  readonly utility: Utility;
  readonly variables: Variables;
  /** mRIDs by the tags of the procedure. */
  readonly tags: Map<string, string>;
  /** The LFDI of the client's certificate. */
  readonly clientLfdi: string;
  readonly enable: (steps: readonly string[]) => void;
  readonly remove: (steps: readonly string[]) => void;
  /** Ends the run; with a message it has failed. */
  readonly finish: (failure: string | undefined) => void;
}

const modeNames = [...limitModes, 'opModConnect', 'opModEnergize', 'opModFixedW'] as const;

const modesOf = (given: Given): Modes =>
  Object.fromEntries(
    modeNames.flatMap((name) => {
      const value = given.get(name);
      return typeof value === 'number' || typeof value === 'boolean' ? [[name, value] as const] : [];
    }),
  );

const rateNames: Readonly<Record<string, keyof Rates>> = {
  dcap_poll_seconds: 'dcap',
  edev_list_poll_seconds: 'edev',
  fsa_list_poll_seconds: 'fsa',
  der_list_poll_seconds: 'der',
  derp_list_poll_seconds: 'derp',
  mup_post_seconds: 'mup',
  tp_list_poll_seconds: 'tp',
  tti_list_poll_seconds: 'tti',
  edev_post_seconds: 'edevPost',
};

/** The ids of the devices that `end_device_indexes` names, in the order of their registration. */
const devicesOf = ({ utility }: Stage, given: Given): readonly number[] | undefined => {
  const own = utility.devices.filter(({ id, removed }) => id !== 0 && !removed);
  return given.numbers('end_device_indexes')?.map((index) => given.required(own[index]?.id, `EndDevice ${index}`));
};

/** The program of a control: by its tag, else the first of that primacy (and FSA); a new one where there is none. */
function programFor(stage: Stage, given: Given): UtilityProgram {
  const { utility } = stage;
  const tag = given.text('der_program_tag');
  if (tag !== undefined)
    return given.required(
      utility.programs.find((program) => program.tag === tag),
      `program ${tag}`,
    );
  const primacy = given.number('primacy') ?? 0;
  const fsaId = given.number('fsa_id');
  const found = utility.programs.find(
    (program) => program.primacy === primacy && (fsaId === undefined || program.fsaId === fsaId),
  );
  return found ?? utility.addProgram({ primacy, fsaId, devices: devicesOf(stage, given) });
}

const tariffFor = ({ utility }: Stage, given: Given): UtilityTariff =>
  given.required(utility.tariffs.at(-1), 'TariffProfile');

const rateFor = (tariff: UtilityTariff, given: Given, tag: string | undefined): UtilityRateComponent =>
  given.required(
    tariff.rateComponents.find((rate) => tag === undefined || rate.tag === tag),
    `RateComponent ${tag}`,
  );

const tagged = ({ tags }: Stage, given: Given, mrid: string): void => {
  const tag = given.text('tag');
  if (tag !== undefined) tags.set(tag, mrid);
};

/** ReadingType's elements in the schema's order, by the names of the procedures. */
const readingTypeNames = {
  commodity: 'commodity',
  dataQualifier: 'data_qualifier',
  flowDirection: 'flow_direction',
  kind: 'kind',
  phase: 'phase',
  powerOfTenMultiplier: 'power_of_ten_multiplier',
  uom: 'uom',
} as const;

type Action = (stage: Stage, given: Given) => void;

const actions: Readonly<Record<string, Action>> = {
  'enable-steps': ({ enable }, given) => enable(given.texts('steps')),
  'remove-steps': ({ remove }, given) => remove(given.texts('steps')),
  'finish-test': ({ finish }, given) => finish(given.text('fail_message')),
  'set-comms-rate': ({ utility }, given) => {
    const rates = given.names.map((name) => {
      const rate = rateNames[name];
      return [given.required(rate, `rate named ${name}`), given.number(name)] as const;
    });
    utility.setRates(Object.fromEntries(rates));
  },
  'communications-status': ({ utility }, given) => {
    utility.isDown = given.flag('enabled') === false;
  },
  'edev-registration-links': ({ utility }, given) => {
    utility.hasRegistrationLinks = given.flag('enabled') !== false;
  },
  'register-end-device': ({ utility, clientLfdi }, given) => {
    // An aggregator's device has an LFDI that is not its certificate's; here the client speaks for itself.
    utility.register(clientLfdi, given.number('registration_pin'));
  },
  'create-der-program': (stage, given) => {
    const program = stage.utility.addProgram({
      primacy: given.number('primacy') ?? 0,
      fsaId: given.number('fsa_id'),
      tag: given.text('tag'),
      devices: devicesOf(stage, given),
    });
    tagged(stage, given, program.mrid);
  },
  'set-default-der-control': ({ utility }, given) => {
    const id = given.number('derp_id');
    for (const program of utility.programs.filter((one) => id === undefined || one.id === id)) {
      utility.setDefault(
        program,
        { modes: modesOf(given), setGradW: given.number('setGradW') },
        given.flag('cancelled') === true,
      );
    }
  },
  'create-der-control': (stage, given) => {
    const { utility } = stage;
    utility.controlMultiplier = given.number('pow_10_multipliers') ?? utility.controlMultiplier;
    const control = utility.addControl(programFor(stage, given), {
      start: given.required(given.number('start'), 'start'),
      duration: given.required(given.number('duration_seconds'), 'duration_seconds'),
      randomizeStart: given.number('randomizeStart_seconds'),
      rampSeconds: given.number('ramp_time_seconds'),
      modes: modesOf(given),
      tag: given.text('tag'),
      responseRequired: '03',
    });
    tagged(stage, given, control.mrid);
  },
  'cancel-active-der-controls': ({ utility }) => utility.cancelControls(),
  'remove-function-set-assignment': ({ utility }, given) =>
    utility.removeFsa(given.required(given.number('fsa_id'), 'fsa_id')),
  'create-wellknown-route': ({ utility }, given) => {
    utility.hasWellKnown = true;
    utility.wellKnown.set(given.required(given.text('version'), 'version'), given.texts('dcap_paths'));
  },
  'add-proxy-route': ({ utility }, given) => {
    const [route, to] = [given.text('route'), given.text('proxy_to')];
    utility.aliases.set(given.required(route, 'route'), given.required(to, 'proxy_to'));
  },
  'create-tariff-profile': (stage, given) => {
    const { mrid } = stage.utility.addTariff({
      primacy: given.number('primacy') ?? 0,
      fsaId: given.number('fsa_id') ?? 1,
      priceMultiplier: given.number('price_pow_10_multiplier') ?? 0,
    });
    tagged(stage, given, mrid);
  },
  'create-rate-component': (stage, given) => {
    const readingType = Object.fromEntries(
      Object.entries(readingTypeNames).flatMap(([name, parameter]) => {
        const value = given.number(parameter);
        return value === undefined ? [] : [[name, value] as const];
      }),
    );
    const { mrid } = stage.utility.addRateComponent(tariffFor(stage, given), { tag: given.text('tag'), readingType });
    tagged(stage, given, mrid);
  },
  'create-time-tariff-interval': (stage, given) => {
    const tariff = tariffFor(stage, given);
    const first = given.required(given.number('price_pow10_encoded_block0'), 'price_pow10_encoded_block0');
    const second = given.number('price_pow10_encoded_block1');
    const { mrid } = stage.utility.addInterval(tariff, {
      rateComponent: rateFor(tariff, given, given.text('rate_component_tag')).id,
      start: given.required(given.number('start'), 'start'),
      duration: given.required(given.number('duration_seconds'), 'duration_seconds'),
      blocks: [
        { price: first, startValue: 0 },
        ...(second === undefined ? [] : [{ price: second, startValue: given.number('price_start_pow10_block1') ?? 0 }]),
      ],
      tag: given.text('tag'),
    });
    tagged(stage, given, mrid);
  },
  'cancel-time-tariff-intervals': ({ utility }, given) => {
    const tag = given.text('tag');
    utility.cancelIntervals((interval) => tag === undefined || interval.tag === tag);
  },
  'delete-rate-component': ({ utility }, given) =>
    utility.removeRateComponent(given.required(given.text('tag'), 'tag')),
};

/** Carries out one action of a procedure; throws where it cannot be done. */
export function act(action: Instruction, stage: Stage): void {
  const found = actions[action.type];
  if (found === undefined) throw new Error(`the action ${action.type} is not known`);
  found(stage, new Given(action.parameters, stage.variables));
}
