import { mridOf } from '#ieee2030_5/identity.ts';
import { identifiedObjectOrder } from '#ieee2030_5/orderings.ts';
import type { FunctionSetAssignments } from '#ieee2030_5/types.generated.ts';
import type { AssignableList, DeviceAssignment } from '../assignments.ts';
import { type Presenter, responseSet } from '../presenter.ts';
import type { Context, Principal } from '../exchange.ts';
import { idsOf } from '../relations.ts';
import type { SepServices } from '../services.ts';
import type { Entry, Source } from '../source.ts';

/** Characters of a description (String32). */
const descriptionLength = 32;

/** FunctionSetAssignments, and the lists of what they assign (IEEE 2030.5-2018 §10.6). */
export function assignmentSources({ assignments }: SepServices, presenter: Presenter) {
  const links = (principal: Principal) => ({
    TimeLink: presenter.link('/tm', principal),
    ResponseSetListLink: presenter.link(responseSet.slice(0, responseSet.lastIndexOf('/')), principal),
    CustomerAccountListLink: presenter.link('/bill', principal),
    FileListLink: presenter.link('/file', principal),
  });
  const entryOf = (assignment: DeviceAssignment, list: string, principal: Principal): Entry => ({
    href: `${list}/${assignment.id}`,
    name: 'FunctionSetAssignments',
    document: {
      mRID: mridOf(`function-set-assignments/${assignment.id}`),
      description: Array.from(assignment.description).slice(0, descriptionLength).join(''),
      ...links(principal),
    },
  });
  const assignmentOf = ({ ids: [device, id] }: Context): DeviceAssignment | undefined =>
    assignments.of(Number(device)).find((assignment) => assignment.id === id);
  const assigned = (list: AssignableList): Source => ({
    entries: (context) => {
      const assignment = assignmentOf(context);
      return assignment && assignments.items(assignment, list);
    },
    isLinked: (context) => {
      const assignment = assignmentOf(context);
      if (assignment === undefined) return false;
      // CSIP-AUS S-ALL-25: a client subscribes to the list of programs before there is one.
      return list === '/derp' || assignments.items(assignment, list).length > 0;
    },
  });

  return {
    FunctionSetAssignmentsList: {
      entries: ({ href, ids, principal }) =>
        assignments
          .of(Number(ids[0]))
          .map((assignment) => entryOf(assignment, href, principal))
          .toSorted((a, b) =>
            identifiedObjectOrder(a.document as FunctionSetAssignments, b.document as FunctionSetAssignments),
          ),
    },
    FunctionSetAssignments: {
      read: (context) => {
        const assignment = assignmentOf(context);
        const list = context.href.slice(0, context.href.lastIndexOf('/'));
        return assignment && entryOf(assignment, list, context.principal);
      },
    },
    AssignedDERProgramList: assigned('/derp'),
    AssignedTariffProfileList: assigned('/tp'),
    AssignedMessagingProgramList: assigned('/msg'),
    AssignedDemandResponseProgramList: assigned('/dr'),
  } satisfies Readonly<Record<string, Source>>;
}

/** All that is assigned to a principal of one kind; DeviceCapability links to it when there is something. */
export function assignedList({ assignments }: SepServices, list: AssignableList): Source {
  const entries = ({ principal }: Context) => assignments.itemsOf(idsOf(principal), list);
  return { entries, isLinked: (context) => entries(context).length > 0 };
}
