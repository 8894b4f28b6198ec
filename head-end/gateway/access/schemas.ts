import { type Static, Type } from 'typebox';
import { type Role, roles } from '../../access/roles.ts';

const exact = { additionalProperties: false } as const;
const time = (description: string) => Type.Integer({ description: `Unix s. ${description}` });
const RoleSchema = Type.Unsafe<Role>({ type: 'string', enum: [...roles] });
const Name = Type.String({
  pattern: '^[A-Za-z0-9][A-Za-z0-9._@+-]{0,63}$',
  description: 'Upper and lower case are the same',
});
const Meters = Type.Array(Type.String({ maxLength: 64 }), {
  maxItems: 100,
  description: 'Devices of the buildings of an owner, by their ids; empty for other roles',
});
const Label = Type.String({ minLength: 1, maxLength: 64, pattern: '\\S' });
const password = Type.String({ maxLength: 1024 });
/** Of the browser, as WebAuthn Level 3 §5.1 writes it; it is checked where it is verified. */
const PublicKeyAnswer = Type.Object(
  { id: Type.String({ maxLength: 1400 }), rawId: Type.String(), type: Type.Literal('public-key') },
  { additionalProperties: true, description: 'PublicKeyCredential.toJSON()' },
);
const PublicKeyOptions = Type.Object({}, { additionalProperties: true, title: 'PublicKeyOptions' });

const roleFacts = { role: RoleSchema, meters: Meters };

export const SignInSchema = Type.Object(
  { name: Type.String({ maxLength: 64 }), password },
  { ...exact, title: 'SignIn' },
);
export const LinkSignInSchema = Type.Object(
  { link: Type.String({ maxLength: 64 }) },
  { ...exact, title: 'LinkSignIn' },
);
export const PasskeySignInSchema = Type.Object({ answer: PublicKeyAnswer }, { ...exact, title: 'PasskeySignIn' });
export const NewPasskeySchema = Type.Object(
  { name: Label, answer: PublicKeyAnswer },
  { ...exact, title: 'NewPasskey' },
);
export const NewPasswordSchema = Type.Object(
  { present: Type.Optional(password), password },
  { ...exact, title: 'NewPassword' },
);
export const NewUserSchema = Type.Object(
  { name: Name, role: RoleSchema, meters: Type.Optional(Meters) },
  { ...exact, title: 'NewUser' },
);
export const UserPatchSchema = Type.Object(
  { role: RoleSchema, meters: Type.Optional(Meters) },
  { ...exact, title: 'UserPatch' },
);
export const NewKeySchema = Type.Object(
  {
    name: Label,
    role: RoleSchema,
    meters: Type.Optional(Meters),
    expiresAt: Type.Optional(time('For ever without it')),
  },
  { ...exact, title: 'NewKey' },
);

export const MeSchema = Type.Object(
  {
    who: Type.Union([Type.Object({ name: Type.String(), ...roleFacts }), Type.Null()], {
      description: 'Who is signed in; null for nobody',
    }),
    dashboard: Type.Union([Type.Literal('open'), Type.Literal('closed')], {
      description: 'Whether the live campus is shown to whoever reaches this head-end',
    }),
    takesPasskeys: Type.Boolean({ description: 'Not where the page was opened by an address' }),
  },
  { ...exact, title: 'Me' },
);
const PasskeySchema = Type.Object({
  id: Type.String(),
  name: Type.String(),
  createdAt: time('When it was made'),
  relyingParty: Type.String({ description: 'The host name that it is good for' }),
});
export const AccountSchema = Type.Object(
  {
    name: Type.String(),
    ...roleFacts,
    hasPassword: Type.Boolean(),
    byLink: Type.Boolean({ description: 'Signed in by a one-time link: a password is set without the present one' }),
    passkeys: Type.Array(PasskeySchema),
  },
  { ...exact, title: 'Account' },
);
export const UserSchema = Type.Object(
  {
    name: Type.String(),
    ...roleFacts,
    hasPassword: Type.Boolean(),
    passkeys: Type.Integer({ description: 'How many' }),
    sessions: Type.Integer({ description: 'How many are open' }),
    lockedFor: Type.Integer({ description: 's; the password, after failures' }),
    createdAt: time('When it was added'),
  },
  { ...exact, title: 'User' },
);
export const LinkSchema = Type.Object(
  { link: Type.String({ description: 'Signs in once, within a day. It is not shown again' }) },
  { ...exact, title: 'Link' },
);
const key = {
  id: Type.String(),
  name: Type.String(),
  ...roleFacts,
  createdAt: time('When it was made'),
  createdBy: Type.String(),
  expiresAt: Type.Optional(time('For ever without it')),
};
export const KeySchema = Type.Object(key, { ...exact, title: 'Key' });
export const KeyMadeSchema = Type.Object(
  { ...key, key: Type.String({ description: 'For `Authorization: Bearer`. It is not shown again' }) },
  { ...exact, title: 'KeyMade' },
);
export const TokenSchema = Type.Object(
  {
    access_token: Type.String({ description: 'A JWT (RFC 9068), for `Authorization: Bearer`' }),
    token_type: Type.Literal('Bearer'),
    expires_in: Type.Integer({ description: 's' }),
  },
  { ...exact, title: 'Token' },
);

export const accessSchemas = {
  SignIn: SignInSchema,
  LinkSignIn: LinkSignInSchema,
  PasskeySignIn: PasskeySignInSchema,
  PublicKeyOptions,
  NewPasskey: NewPasskeySchema,
  NewPassword: NewPasswordSchema,
  NewUser: NewUserSchema,
  UserPatch: UserPatchSchema,
  NewKey: NewKeySchema,
  Me: MeSchema,
  Account: AccountSchema,
  User: UserSchema,
  Link: LinkSchema,
  Key: KeySchema,
  KeyMade: KeyMadeSchema,
  Token: TokenSchema,
};

export type Me = Readonly<Static<typeof MeSchema>>;
export type Account = Readonly<Static<typeof AccountSchema>>;
export type User = Readonly<Static<typeof UserSchema>>;
export type ApiKey = Readonly<Static<typeof KeySchema>>;
