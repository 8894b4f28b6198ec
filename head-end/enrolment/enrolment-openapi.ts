import { ChallengeSchema, FinishSchema, IssuedSchema, StartSchema } from '#provisioning/enrolment/message-json.ts';
import { ProblemSchema } from '../gateway/snapshot.ts';

const schemas = {
  EnrolmentStart: StartSchema,
  EnrolmentChallenge: ChallengeSchema,
  EnrolmentFinish: FinishSchema,
  EnrolmentCertificate: IssuedSchema,
  Problem: ProblemSchema,
};
type SchemaName = keyof typeof schemas;

const reference = (name: SchemaName): object => ({ $ref: `#/components/schemas/${name}` });
const json = (name: SchemaName): object => ({ 'application/json': { schema: reference(name) } });
const problems = (words: Readonly<Record<number, string>>): object =>
  Object.fromEntries(
    Object.entries({ 400: 'The request cannot be read', 500: 'The head-end could not answer', ...words }).map(
      ([status, description]) => [
        status,
        { description, content: { 'application/problem+json': { schema: reference('Problem') } } },
      ],
    ),
  );

const refusals = {
  403: 'What the board or its TPM has to show does not prove enough; `code` and `detail` tell what',
  409: 'The board is enrolled already, or the message answers no challenge under way',
  413: 'The body is longer than 64 KiB',
  422: 'The message does not hold, at the place told',
  503: 'The database is away',
};

const post = (operationId: string, summary: string, message: SchemaName, answer: SchemaName): object => ({
  post: {
    operationId,
    summary,
    requestBody: { required: true, content: json(message) },
    responses: { 200: { description: answer, content: json(answer) }, ...problems(refusals) },
  },
});

const parameter = (name: string, schema: object): object => ({ name, in: 'path', required: true, schema });

/** The enrolment service in OpenAPI 3.1. */
export const enrolmentOpenApi: object = {
  openapi: '3.1.0',
  info: {
    title: 'GridTokenX enrolment',
    version: '1',
    description:
      'A board proves, in three messages, that its keys lie in the TPM that it was flashed with, and is given a ' +
      'certificate: start, challenge, finish. The answer to start is the challenge. TLS authenticates the server only.',
    license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
  },
  paths: {
    '/enrolment/start': post(
      'startEnrolment',
      'First message: who the board is',
      'EnrolmentStart',
      'EnrolmentChallenge',
    ),
    '/enrolment/finish': post('finishEnrolment', 'Last message: the proofs', 'EnrolmentFinish', 'EnrolmentCertificate'),
    '/enrolment/certificates/{endorsementHash}/{role}': {
      parameters: [
        parameter('endorsementHash', { type: 'string', pattern: '^[0-9a-f]{64}$' }),
        parameter('role', { type: 'string', enum: ['birth', 'operational'] }),
      ],
      get: {
        operationId: 'getCertificate',
        summary: 'What a board was given, for one that was cut off before it had the answer',
        responses: {
          200: { description: 'The certificate', content: json('EnrolmentCertificate') },
          ...problems({ 404: 'No such board is enrolled' }),
        },
      },
    },
    '/openapi.json': {
      get: {
        operationId: 'getOpenApi',
        summary: 'This description',
        responses: {
          200: { description: 'OpenAPI 3.1', content: { 'application/json': { schema: { type: 'object' } } } },
        },
      },
    },
  },
  components: { schemas },
};
