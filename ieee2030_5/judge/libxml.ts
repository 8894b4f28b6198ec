import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { XmlDocument, XsdValidator } from 'libxml2-wasm';
import { xmlRegisterFsInputProviders } from 'libxml2-wasm/lib/nodejs.mjs';
import { schemaFolder } from '../generate.ts';
import type { ProfileName } from '../namespaces.ts';

/** Why a test that needs the XSDs is skipped, or false when they are there. */
export const withoutSchemas: string | false = existsSync(schemaFolder)
  ? false
  : 'the XSDs of IEEE 2030.5 and CSIP-AUS are not there (../shared/ieee2030.5); their notice forbids passing them on';

/** What an XSD exists of: the profiles, and the older edition of the base schema. */
export type Judged = Exclude<ProfileName, 'any'> | 'ieee-2013';

const entries: Readonly<Record<Judged, string>> = {
  'ieee-2013': 'ed2013/sep.xsd',
  'ieee-2018': 'ed2018/sep.xsd',
  'csip-aus-1.2': 'csipaus-v1.2/csipaus-core.xsd',
  'csip-aus-1.3': 'csipaus-v1.3/csipaus-core-v1.3.xsd',
};

/** libxml2 with an XSD: the judge of what our parser accepts. */
export class Judge implements Disposable {
  readonly #validator: XsdValidator;

  private constructor(path: string) {
    xmlRegisterFsInputProviders();
    using schema = XmlDocument.fromBuffer(readFileSync(path), { url: path });
    this.#validator = XsdValidator.fromDoc(schema);
  }

  static of(judged: Judged): Judge {
    return new Judge(fileURLToPath(new URL(entries[judged], schemaFolder)));
  }

  static ofFile(path: string): Judge {
    return new Judge(path);
  }

  /** Undefined when the document is valid, else libxml2's reason. */
  refusal(source: Uint8Array): string | undefined {
    try {
      using document = XmlDocument.fromBuffer(source);
      this.#validator.validate(document);
      return undefined;
    } catch (error) {
      return error instanceof Error ? error.message.trim() : String(error);
    }
  }

  [Symbol.dispose](): void {
    this.#validator.dispose();
  }
}
