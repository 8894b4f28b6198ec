import { type CodeOf, ResponseRequired, ResponseStatus2018 } from '../enumerations.ts';

const { notDisplayable: _, ...sharedStatuses } = ResponseStatus2018;

/**
 * Response.status of IEEE 2030.5-2023 for the events of this folder: 12 to 14 and 251 differ from Table 27 of 2018,
 * where 12 is “not displayable”, 13 and 14 are the two aborts, and nothing resumes.
 */
export const ResponseStatus2023 = {
  ...sharedStatuses,
  abortedAlternateServer: 12,
  abortedAlternateProgram: 13,
  resumed: 14,
  notSupported: 251,
} as const;
export type ResponseStatus2023 = CodeOf<typeof ResponseStatus2023>;

/** What the life of an event can give rise to; a name means the same in both editions, a number does not. */
export type ResponseName = Exclude<keyof typeof ResponseStatus2018, 'acknowledged' | 'notDisplayable'>;

const tables = { 2018: ResponseStatus2018, 2023: ResponseStatus2023 } as const;
export type Edition = keyof typeof tables;

/** The code for the wire. */
export const responseStatus = (name: ResponseName, edition: Edition = 2018): ResponseStatus2018 | ResponseStatus2023 =>
  tables[edition][name];

/** The responses that end the life of an event: exactly one of them is due for each. */
export const finalResponses = [
  'completed',
  'cancelled',
  'superseded',
  'partialOptOut',
  'partialOptIn',
  'noParticipation',
  'abortedAlternateServer',
  'abortedAlternateProgram',
  'rejectedNotApplicable',
  'rejectedInvalid',
  'rejectedLate',
] as const satisfies readonly ResponseName[];
export type FinalResponse = (typeof finalResponses)[number];

/** Whether the server asked for it: bit 0 of responseRequired for “received”, bit 1 for what happened to the event. */
export const isRequired = (name: ResponseName, responseRequired: number): boolean =>
  (responseRequired & (1 << (name === 'received' ? ResponseRequired.received : ResponseRequired.specific))) !== 0;
