import { readDocument } from '../../xml.ts';
import { mirrorOf } from './documents.ts';
import { takeMirror, takeReadings } from './readings.ts';
import { created, listDocument, notFound, rooted, type Route, xml } from './routing.ts';
import type { Utility } from './utility.ts';

/** MirrorUsagePoints and their readings. */
export function mirrorRoutes(utility: Utility): Route[] {
  return [
    [
      'GET',
      /^\/mup$/,
      ({ lfdi, query }) =>
        xml(
          listDocument(
            'MirrorUsagePointList',
            '/mup',
            utility.mirrors
              .filter((mirror) => mirror.lfdi === lfdi)
              .toReversed()
              .map((mirror) => mirrorOf(utility, mirror)),
            query,
            { pollRate: utility.rates.mup },
          ),
        ),
    ],
    [
      'POST',
      /^\/mup$/,
      ({ lfdi, body }) => {
        const { mirror, isNew } = takeMirror(utility, lfdi, readDocument(body));
        return created(`/mup/${mirror.id}`, isNew ? 201 : 204);
      },
    ],
    [
      'GET',
      /^\/mup\/(\d+)$/,
      ({ lfdi }, [id]) => {
        const mirror = utility.mirrors.find((other) => other.id === Number(id) && other.lfdi === lfdi);
        return rooted(mirror && mirrorOf(utility, mirror));
      },
    ],
    [
      'POST',
      /^\/mup\/(\d+)$/,
      ({ lfdi, body }, [id]) => {
        const mirror = utility.mirrors.find((other) => other.id === Number(id) && other.lfdi === lfdi);
        if (mirror === undefined) return notFound;
        takeReadings(utility, mirror, readDocument(body));
        return created(`/mup/${mirror.id}/mr`);
      },
    ],
  ];
}
