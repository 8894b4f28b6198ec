import { type Static, Type } from 'typebox';
import { schemaOf } from '#ieee2030_5/schema.ts';
import { pollKeyOf } from '../../server/presenter.ts';
import { resourceRules } from '../../server/resource-rules.ts';
import { type OperatorParts, type OperatorRoute, reference } from './operation.ts';
import { checked } from './refusals.ts';

/** Every kind of resource that has a poll rate, by the last constant part of its path. */
const pollKeys: readonly string[] = [
  ...new Set(
    [...resourceRules.values()]
      .filter(({ root }) =>
        schemaOf('any')
          .rootOf(root)
          ?.type.attributes.some(({ name }) => name === 'pollRate'),
      )
      .map(pollKeyOf),
  ),
].toSorted();
const seconds = Type.Integer({ minimum: 1, maximum: 4_294_967_295 });

const settingsMembers = {
  pollRate: Type.Partial(Type.Object(Object.fromEntries(pollKeys.map((key) => [key, seconds]))), {
    additionalProperties: false,
    description: 'Seconds between polls, by the last constant part of the resource’s path',
  }),
  postRate: Type.Integer({
    minimum: 1,
    maximum: 4_294_967_295,
    description: 'Seconds between posts to a MirrorUsagePoint',
  }),
  timeQuality: Type.Integer({ minimum: 3, maximum: 7, description: 'Time.quality' }),
  inBandRegistration: Type.Boolean({ description: 'Any certificate of the trusted authority may register itself' }),
};
const SettingsSchema = Type.Object(settingsMembers, { additionalProperties: false, title: 'Settings' });
const SettingsPatchSchema = Type.Partial(SettingsSchema, { additionalProperties: false, title: 'SettingsPatch' });

export const settingsSchemas = { Settings: SettingsSchema, SettingsPatch: SettingsPatchSchema };

/** What holds for all devices. */
export const settingsRoutes: readonly OperatorRoute[] = [
  {
    method: 'GET',
    path: '/settings',
    operation: {
      id: 'getSettings',
      tag: 'settings',
      needs: 'read',
      summary: 'What holds for all devices',
      answers: { 200: { what: 'As it holds', schema: reference('Settings') } },
    },
    handle: ({ parts }) => ({ status: 200, body: settingsJson(parts) }),
  },
  {
    method: 'PATCH',
    path: '/settings',
    operation: {
      id: 'changeSettings',
      tag: 'settings',
      needs: 'operate',
      summary: 'Changes what is given; poll rates one by one',
      body: { schema: reference('SettingsPatch'), example: { pollRate: { derp: 60 }, inBandRegistration: true } },
      answers: { 200: { what: 'As it holds now', schema: reference('Settings') } },
      refusals: [413, 422],
    },
    handle: async ({ parts, body }) => {
      const { pollRate, ...others } = checked(SettingsPatchSchema, body);
      const rates = pollRate as Readonly<Record<string, number>> | undefined;
      await parts.sep.settings.change({ ...others, ...(rates !== undefined && { pollRate: rates }) });
      return { status: 200, body: settingsJson(parts) };
    },
  },
];

/** With every poll rate that holds, also those that nobody has said. */
function settingsJson({ sep: { settings } }: OperatorParts): Static<typeof SettingsSchema> {
  const { postRate, timeQuality, inBandRegistration } = settings.current();
  const pollRate = Object.fromEntries(pollKeys.map((key) => [key, settings.pollRateOf(key)]));
  return { pollRate, postRate, timeQuality, inBandRegistration };
}
