import { apiBase, type OperatorAnswer, type OperatorRoute } from './operation.ts';
import { absent, unfit } from './refusals.ts';

/** As much as the head-end keeps of one file. */
const maxContentBytes = 1 << 24;

/** The bytes of a File, which devices download. */
export const fileRoutes: readonly OperatorRoute[] = [
  {
    method: 'PUT',
    path: '/files/{file}/content',
    bodyLimit: maxContentBytes,
    operation: {
      id: 'putFileContent',
      tag: 'files',
      needs: 'operate',
      summary: "Puts a file's content here: as many bytes as its size says",
      body: { mediaType: 'application/octet-stream', schema: {} },
      answers: { 204: null },
      refusals: [404, 413, 415, 422],
    },
    handle: async ({ parts, params, body }): Promise<OperatorAnswer> => {
      const href = `/file/${params['file']}`;
      const file = parts.sep.store.document(href, 'File');
      if (file === undefined) throw absent(`file ${params['file']}`, `${apiBase}/files`);
      const hint = 'Send the bytes as application/octet-stream, after the File with their number as its size.';
      if (!Buffer.isBuffer(body)) throw unfit('', 'the content is missing', hint);
      if (body.length !== file.size) throw unfit('', `it has ${body.length} bytes, its File says ${file.size}`, hint);
      await parts.sep.contents.put(href, body);
      return { status: 204 };
    },
  },
];
