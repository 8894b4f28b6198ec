import { GridError } from '#hal/errors.ts';
import type { MqttLink } from '#hal/ports.ts';

interface Entity {
  readonly name: string;
  readonly unit: 'W' | 'Wh' | '%';
  readonly deviceClass: 'power' | 'energy' | 'battery';
  readonly stateClass: 'measurement' | 'total_increasing';
}

const power = (name: string): Entity => ({ name, unit: 'W', deviceClass: 'power', stateClass: 'measurement' });
const energy = (name: string): Entity => ({ name, unit: 'Wh', deviceClass: 'energy', stateClass: 'total_increasing' });

/** What a building tells Home Assistant; its energy dashboard takes the energies. */
export const homeAssistantEntities = {
  grid_power: power('Grid power'),
  load_power: power('Consumption'),
  pv_power: power('PV power'),
  battery_power: power('Battery power, out positive'),
  state_of_charge: { name: 'State of charge', unit: '%', deviceClass: 'battery', stateClass: 'measurement' },
  grid_import: energy('Grid import'),
  grid_export: energy('Grid export'),
  generation: energy('PV generation'),
  consumption: energy('Energy consumed'),
  storage_charge: energy('Battery charge'),
  storage_discharge: energy('Battery discharge'),
} as const satisfies Readonly<Record<string, Entity>>;
export type HomeAssistantEntity = keyof typeof homeAssistantEntities;

/** Values in the entities' units; `undefined` is not known now, and an entity that is left out is not there at all. */
export type HomeAssistantState = { readonly [E in HomeAssistantEntity]?: number | undefined };

export interface HomeAssistantOptions {
  /** The building in topics and identifiers: letters, digits, `_` and `-`. */
  readonly id: string;
  /** As people read it. */
  readonly name: string;
  /** Home Assistant's; `homeassistant` where nobody changed it. */
  readonly discoveryPrefix?: string;
  /** Seconds after the last state from which Home Assistant shows the values as not available. */
  readonly expireSeconds: number;
}

/**
 * Tells a building's state to Home Assistant: MQTT discovery (retained, once a connection and whenever Home Assistant
 * was started anew) and one state message a call, which is not retained: an old value shall not look like a new one.
 * Source: Home Assistant, "MQTT discovery" and "MQTT sensor".
 */
export class HomeAssistant implements AsyncDisposable {
  readonly #link: MqttLink;
  readonly #options: HomeAssistantOptions;
  /** Entities that it has been told of since the connection was made. */
  readonly #known = new Set<HomeAssistantEntity>();
  #connected: Disposable | undefined;
  #isListening = false;

  constructor(link: MqttLink, options: HomeAssistantOptions) {
    this.#link = link;
    this.#options = options;
  }

  /** Where the states go. */
  get stateTopic(): string {
    return `gridtokenx/${this.#options.id}/state`;
  }

  /** Connects; may be called again after it failed. Rejects with the link's `GridError`. */
  async start(): Promise<void> {
    this.#connected ??= this.#link.onConnect(() => this.#known.clear());
    await this.#link.start();
    if (this.#isListening) return;
    await this.#link.subscribe(`${this.#prefix}/status`, (_topic, payload) => {
      if (payload.toString() === 'online') this.#known.clear();
    });
    this.#isListening = true;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#connected?.[Symbol.dispose]();
    await this.#link[Symbol.asyncDispose]();
  }

  /** Tells a state; rejects with a `GridError` while the broker is away. Nothing is kept for later: the next is newer. */
  async tell(state: HomeAssistantState): Promise<void> {
    const entities = Object.keys(state) as HomeAssistantEntity[];
    for (const entity of entities) {
      const value = state[entity];
      if (value !== undefined && !Number.isFinite(value)) throw new RangeError(`${entity} is ${value}`);
      if (this.#known.has(entity)) continue;
      await this.#link.publish(this.#configTopic(entity), this.#config(entity), { isRetained: true });
      this.#known.add(entity);
    }
    const values = entities.map((entity) => [entity, state[entity] ?? null]);
    await this.#link.publish(this.stateTopic, JSON.stringify(Object.fromEntries(values)));
  }

  get #prefix(): string {
    return this.#options.discoveryPrefix ?? 'homeassistant';
  }

  #configTopic(entity: HomeAssistantEntity): string {
    return `${this.#prefix}/sensor/${this.#options.id}/${entity}/config`;
  }

  #config(entity: HomeAssistantEntity): string {
    const { id, name, expireSeconds } = this.#options;
    const { name: entityName, unit, deviceClass, stateClass } = homeAssistantEntities[entity];
    return JSON.stringify({
      name: entityName,
      unique_id: `${id}_${entity}`,
      state_topic: this.stateTopic,
      value_template: `{{ value_json.${entity} }}`,
      unit_of_measurement: unit,
      device_class: deviceClass,
      state_class: stateClass,
      expire_after: expireSeconds,
      device: { identifiers: [id], name, manufacturer: 'GridTokenX', model: 'Board' },
    });
  }
}

/** A building's identifier for topics: what MQTT and Home Assistant allow in one level. */
export function homeAssistantId(meterId: string): string {
  const id = meterId.toLowerCase().replaceAll(/[^a-z0-9_-]/g, '_');
  if (id === '') throw new GridError('GTX-MQT-005', 'The meter id is empty', { kind: 'input' });
  return id;
}
