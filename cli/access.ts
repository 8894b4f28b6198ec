import { Command, Option } from 'commander';
import { roles } from '#head-end/access/roles.ts';
import { askHeadEnd, askingHeadEnd, type HeadEndFlags } from './operator.ts';

interface RoleFlags extends HeadEndFlags {
  readonly role: string;
  readonly meter?: readonly string[];
}

interface KeyFlags extends RoleFlags {
  readonly days?: number;
}

interface Listed {
  readonly items: readonly { readonly name: string; readonly role: string; readonly meters: readonly string[] }[];
}

const collect = (value: string, before: readonly string[] = []): string[] => [...before, value];
const roleOption = (): Option => new Option('--role <role>', 'what it may do').choices(roles).makeOptionMandatory();
const meterOption = (): Option =>
  new Option('--meter <id>', 'of an owner: a device of the building; may be repeated').argParser(collect);
const base = '/api/v1/access';
const json = { 'content-type': 'application/json' };

/** `gridtokenx access`: who may use REST and the dashboard of a head-end. */
export function accessCommand(): Command {
  const access = new Command('access').description(
    'Says who may use REST and the dashboard of a head-end: people, who sign in, and programs, which have API keys.',
  );
  askingHeadEnd(access.command('users')).description('List the people.').action(list('users'));
  askingHeadEnd(access.command('add-user <name>'))
    .description('Add a person and print the one-time link that the person signs in by first.')
    .addOption(roleOption())
    .addOption(meterOption())
    .action(async (name: string, flags: RoleFlags) => {
      await send(flags, '/users', 'POST', { name, ...roleOf(flags) });
      await printLink(flags, name);
    });
  askingHeadEnd(access.command('change-user <name>'))
    .description('Give a person another role.')
    .addOption(roleOption())
    .addOption(meterOption())
    .action(async (name: string, flags: RoleFlags) => {
      await send(flags, `/users/${encodeURIComponent(name)}`, 'PATCH', roleOf(flags));
    });
  askingHeadEnd(access.command('remove-user <name>'))
    .description('Remove a person and end the person’s sessions.')
    .action(async (name: string, flags: HeadEndFlags) => {
      await send(flags, `/users/${encodeURIComponent(name)}`, 'DELETE');
    });
  askingHeadEnd(access.command('link <name>'))
    .description(
      'Print a one-time link for a person; password, passkeys and sessions end, so that it is the only way in.',
    )
    .action(async (name: string, flags: HeadEndFlags) => printLink(flags, name));
  askingHeadEnd(access.command('keys')).description('List the API keys, by their ids.').action(list('keys'));
  askingHeadEnd(access.command('add-key <name>'))
    .description('Make an API key and print it; it is not shown again.')
    .addOption(roleOption())
    .addOption(meterOption())
    .option('--days <n>', 'how long it is good; for ever unless told', Number)
    .action(async (name: string, { days, ...flags }: KeyFlags) => {
      const expiresAt = days === undefined ? {} : { expiresAt: Math.floor(Date.now() / 1000 + days * 86_400) };
      const made = await send(flags, '/keys', 'POST', { name, ...roleOf(flags), ...expiresAt });
      const { key } = (await made.json()) as { readonly key: string };
      process.stdout.write(`${key}\n`);
    });
  askingHeadEnd(access.command('revoke-key <id>'))
    .description('Revoke an API key by its id, with the tokens that it got.')
    .action(async (id: string, flags: HeadEndFlags) => {
      await send(flags, `/keys/${encodeURIComponent(id)}`, 'DELETE');
    });
  return access;
}

const roleOf = ({ role, meter = [] }: RoleFlags) => ({ role, meters: meter });

const send = (flags: HeadEndFlags, path: string, method: string, body?: unknown): Promise<Response> =>
  askHeadEnd(
    flags,
    `${base}${path}`,
    body === undefined ? { method } : { method, headers: json, body: JSON.stringify(body) },
  );

async function printLink(flags: HeadEndFlags, name: string): Promise<void> {
  const made = await send(flags, `/users/${encodeURIComponent(name)}/link`, 'POST');
  const { link } = (await made.json()) as { readonly link: string };
  process.stdout.write(`${link}\n`);
}

const list = (what: 'users' | 'keys') => async (flags: HeadEndFlags) => {
  const { items } = (await (await askHeadEnd(flags, `${base}/${what}`)).json()) as Listed;
  for (const item of items) {
    const id = 'id' in item ? `${String(item.id)}  ` : '';
    process.stdout.write(
      `${id}${item.name.padEnd(24)} ${item.role.padEnd(14)} ${item.meters.join(' ')}`.trimEnd() + '\n',
    );
  }
};
