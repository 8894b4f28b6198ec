/** What a person is told while nobody can sign in as administrator yet. */
export const firstAdministratorNotice = (link: string): string =>
  `the first administrator signs in once by ${link} and chooses a password or a passkey there`;
