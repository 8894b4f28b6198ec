import type { Clock } from '#hal/clock.ts';
import type { Lfdi, Sfdi } from '#ieee2030_5/identity.ts';
import type { UnixSeconds } from '#hal/units.ts';
import type { ChannelReading } from '../live.ts';
import type { MarketDesk } from '../market/desk.ts';
import type { ReadingStore } from '../readings/store.ts';
import type { Registry } from '../registry/devices.ts';
import type { Assignments } from './assignments.ts';
import type { EventStates } from './event-states.ts';
import type { FileContents } from './file-contents.ts';
import type { ResourceStore } from './resource-store.ts';
import type { Settings } from './settings.ts';

/** Told of every posting of a device after its commit, with the end of its period. */
export type OnPosted = (meterId: string, time: UnixSeconds, values: ChannelReading) => void;

/** What the resources are made from. */
export interface SepServices {
  readonly clock: Clock;
  readonly registry: Registry;
  readonly readings: ReadingStore;
  readonly desk: MarketDesk;
  readonly store: ResourceStore;
  readonly settings: Settings;
  readonly assignments: Assignments;
  readonly events: EventStates;
  readonly contents: FileContents;
  /** The server's own identity. */
  readonly self: { readonly lfdi: Lfdi; readonly sfdi: Sfdi };
  readonly onPosted: OnPosted;
  /** Removes a device and everything of its that is served. */
  readonly removeDevice: (id: number, options: { readonly barred: boolean }) => Promise<boolean>;
}
