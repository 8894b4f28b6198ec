import type { File } from '#ieee2030_5/types.generated.ts';
import { type Context, notFound, type SepRequest, type SepResponse } from '../exchange.ts';
import { byteRange } from '../byte-range.ts';
import { isAddressed } from '../relations.ts';
import type { SepServices } from '../services.ts';
import type { StoredResource } from '../resource-store.ts';
import type { Entry, Source } from '../source.ts';

/** Bytes of a range: a client asks for the rest by another one. */
const maxPartBytes = 1 << 20;

/** Where the content is, unless the operator names another place. */
const entryOf = (file: StoredResource): Entry => {
  const document = file.document as File;
  return document.fileURI === '' ? { ...file, document: { ...document, fileURI: `${file.href}/content` } } : file;
};

/** Files for devices and their contents (IEEE 2030.5-2018 §10.5.4, "file download"): read whole or by ranges. */
export function fileSources({ store, contents }: SepServices) {
  const entries = ({ href, principal }: Context): Entry[] =>
    store
      .items(href)
      .filter(({ document }) => isAddressed(document as File, principal))
      .map(entryOf);

  const content = async ({ href, range }: SepRequest): Promise<SepResponse> => {
    const file = href.slice(0, href.lastIndexOf('/'));
    const size = await contents.size(file);
    if (size === undefined) return notFound;
    const part = byteRange(range, size);
    if (part === 'unsatisfiable') return { status: 416, contentRange: `bytes */${size}` };
    if (part === undefined) return { status: 200, content: await contents.part(file, 0, size) };
    const bytes = await contents.part(file, part.start, Math.min(part.count, maxPartBytes));
    const contentRange = `bytes ${part.start}-${part.start + bytes.length - 1}/${size}`;
    return { status: 206, content: bytes, contentRange };
  };

  return {
    FileList: { entries, isLinked: (context) => entries(context).length > 0 },
    File: {
      read: ({ href }) => {
        const file = store.get(href);
        return file && entryOf(file);
      },
    },
    FileContent: { get: content },
  } satisfies Readonly<Record<string, Source>>;
}
