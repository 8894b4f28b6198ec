/** Writes the schema table, the types and the table of resources from the XSDs and the WADL, which stay outside. */
import { readFileSync, writeFileSync } from 'node:fs';
import { emitTable, type Schemas } from './generator/emit-table.ts';
import { emitTypes } from './generator/emit-types.ts';
import { emitWadl } from './generator/wadl.ts';
import { readXsd } from './generator/xsd.ts';

/** Where the XSDs stand in a checkout that has them: IEEE's notice forbids passing them on with the project. */
export const schemaFolder = new URL('../../shared/ieee2030.5/', import.meta.url);

export interface GeneratedFiles {
  readonly 'schema-table.generated.ts': string;
  readonly 'types.generated.ts': string;
  readonly 'wadl-table.generated.ts': string;
}

/** The generated files' text, from the XSDs below `folder`. */
export function generate(folder: URL = schemaFolder): GeneratedFiles {
  const xsd = (path: string) => readXsd(readFileSync(new URL(path, folder), 'utf8'));
  const schemas: Schemas = {
    base: xsd('ed2018/sep.xsd'),
    profiles: [
      {
        name: 'csip-aus-1.2',
        core: xsd('csipaus-v1.2/csipaus-core.xsd'),
        extension: xsd('csipaus-v1.2/csipaus-ext.xsd'),
      },
      {
        name: 'csip-aus-1.3',
        core: xsd('csipaus-v1.3/csipaus-core-v1.3.xsd'),
        extension: xsd('csipaus-v1.3/csipaus-ext-v1.3.xsd'),
      },
    ],
    olderEditions: new Map([['2013', xsd('ed2013/sep.xsd')]]),
  };
  return {
    'schema-table.generated.ts': emitTable(schemas),
    'types.generated.ts': emitTypes(schemas),
    'wadl-table.generated.ts': emitWadl(readFileSync(new URL('ed2013/sep_wadl.xml', folder), 'utf8')),
  };
}

if (import.meta.main) {
  for (const [name, content] of Object.entries(generate())) writeFileSync(new URL(name, import.meta.url), content);
}
