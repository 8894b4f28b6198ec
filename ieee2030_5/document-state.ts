import { namespace2013, type ProfileName } from './namespaces.ts';
import { Scanner } from './scanner.ts';
import type { Family } from './plans.ts';
import { type Schema, schemaOf } from './schema.ts';
import { skipElement } from './skip.ts';

export interface ReaderOptions {
  readonly profile: ProfileName;
  readonly strict: boolean;
  readonly anyOrder: boolean;
  readonly maxDepth: number;
}

/** A qualified name: its family is undefined when its namespace is foreign. */
export interface Resolved {
  readonly family: Family | undefined;
  readonly name: string;
  readonly namespace: string;
}

/** What holds while one document is read: its schema, the namespaces in scope, what was left out. */
export class DocumentState {
  readonly scan: Scanner;
  readonly options: ReaderOptions;
  schema: Schema;
  /** The family of the default namespace, undefined when it is foreign. */
  defaultFamily: Family | undefined;
  /** Of each family's namespaces the one that this document uses. */
  readonly active: Partial<Record<Family, string>> = {};
  /** Elements and attributes that the schema does not know. */
  skipped = 0;

  constructor(text: string, bytes: Uint8Array, options: ReaderOptions) {
    this.scan = new Scanner(text, bytes);
    this.options = options;
    this.schema = schemaOf(options.profile);
  }

  /** Takes the schema of the edition that the root element's namespace tells. */
  chooseEdition(): void {
    if (this.active.sep !== namespace2013) return;
    this.schema = schemaOf(this.options.profile, this.options.strict ? '2013' : 'either');
  }

  /** The family of a namespace, when it is the one of its family that this document uses. */
  familyOf(uri: string): Family | undefined {
    const family = this.schema.namespaces.get(uri);
    if (family === undefined) return undefined;
    this.active[family] ??= uri;
    return this.active[family] === uri ? family : undefined;
  }

  resolve(tag: string): Resolved {
    const colon = tag.indexOf(':');
    if (colon < 0) return { family: this.defaultFamily, name: tag, namespace: this.scan.defaultNamespace };
    const namespace = this.scan.namespaceOf(tag.slice(0, colon));
    return { family: this.familyOf(namespace), name: tag.slice(colon + 1), namespace };
  }

  /** Leaves out an element whose start tag has been read; `place` is where it starts. */
  skip(name: string, parent: string, place: number, depth: number): void {
    if (this.options.strict) throw this.scan.fault('GTX-XML-012', `There is no element ${name} in ${parent}`, place);
    this.skipped++;
    skipElement(this.scan, name, depth, this.options.maxDepth);
  }
}
