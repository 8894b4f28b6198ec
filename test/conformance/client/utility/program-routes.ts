import type { RawAnswer } from '../raw-server.ts';
import { controlOf, curveOf, defaultOf, fsaOf, listed, programOf } from './documents.ts';
import { deviceHandlers, itemHandlers, listDocument, notFound, rooted, type Route, xml } from './routing.ts';
import { eventStatus } from './state.ts';
import type { Utility } from './utility.ts';

/** FunctionSetAssignments, DERPrograms, controls and curves. */
export function programRoutes(utility: Utility): Route[] {
  const forDevice = deviceHandlers(utility);
  const { rates } = utility;
  const ofProgram = itemHandlers(utility, (device, id) =>
    utility.programs.find((program) => program.id === id && (program.devices?.includes(device) ?? true)),
  );
  const programList = (href: string, device: number, fsaId: number | undefined, query: URLSearchParams): RawAnswer =>
    xml(
      listDocument(
        'DERProgramList',
        href,
        utility.programsOf(device, fsaId).map((program) => programOf(utility, device, program)),
        query,
        { pollRate: rates.derp, isSubscribable: utility.isSubscribable },
      ),
    );
  const isActive = (control: Parameters<typeof controlOf>[3]): boolean =>
    utility.statusOf(control).status === eventStatus.active;
  return [
    [
      'GET',
      /^\/edev\/(\d+)\/fsa$/,
      forDevice(({ id }, { query }) =>
        xml(
          listDocument(
            'FunctionSetAssignmentsList',
            `/edev/${id}/fsa`,
            utility.fsasOf(id).map((fsa) => fsaOf(utility, id, fsa)),
            query,
            { pollRate: rates.fsa, isSubscribable: utility.isSubscribable },
          ),
        ),
      ),
    ],
    [
      'GET',
      /^\/edev\/(\d+)\/fsa\/(\d+)$/,
      forDevice(({ id }, _request, [, fsa = '']) =>
        utility.fsasOf(id).includes(Number(fsa)) ? rooted(fsaOf(utility, id, Number(fsa))) : notFound,
      ),
    ],
    [
      'GET',
      /^\/edev\/(\d+)\/fsa\/(\d+)\/derp$/,
      forDevice(({ id }, { path, query }, [, fsa = '']) => programList(path, id, Number(fsa), query)),
    ],
    ['GET', /^\/edev\/(\d+)\/derp$/, forDevice(({ id }, { path, query }) => programList(path, id, undefined, query))],
    [
      'GET',
      /^\/edev\/(\d+)\/derp\/(\d+)$/,
      ofProgram((device, program) => rooted(programOf(utility, device, program))),
    ],
    [
      'GET',
      /^\/edev\/(\d+)\/derp\/(\d+)\/(derc|actderc)$/,
      ofProgram((device, program, { path, query }, [, , list]) =>
        xml(
          listDocument(
            'DERControlList',
            path,
            listed(utility, program)
              .filter((control) => list === 'derc' || isActive(control))
              .map((control) => controlOf(utility, device, program, control)),
            query,
            { isSubscribable: utility.isSubscribable },
          ),
        ),
      ),
    ],
    [
      'GET',
      /^\/edev\/(\d+)\/derp\/(\d+)\/derc\/(\d+)$/,
      ofProgram((device, program, _request, [, , id]) => {
        const control = listed(utility, program).find((other) => other.id === Number(id));
        return rooted(control && controlOf(utility, device, program, control));
      }),
    ],
    [
      'GET',
      /^\/edev\/(\d+)\/derp\/(\d+)\/dderc$/,
      ofProgram((device, program) => rooted(defaultOf(utility, device, program))),
    ],
    [
      'GET',
      /^\/edev\/(\d+)\/derp\/(\d+)\/dc$/,
      ofProgram((device, program, { path, query }) =>
        xml(
          listDocument(
            'DERCurveList',
            path,
            program.curves.flatMap(({ id }) => curveOf(device, program, id) ?? []),
            query,
          ),
        ),
      ),
    ],
    [
      'GET',
      /^\/edev\/(\d+)\/derp\/(\d+)\/dc\/(\d+)$/,
      ofProgram((device, program, _request, [, , id]) => rooted(curveOf(device, program, Number(id)))),
    ],
  ];
}
