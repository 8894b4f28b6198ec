import type { DERProgram, RootName } from '#ieee2030_5/types.generated.ts';
import { notFound, type Context } from '../exchange.ts';
import type { SepServices } from '../services.ts';
import type { StoredResource } from '../resource-store.ts';
import type { Entry, Source } from '../source.ts';
import { storedDocument } from '../stored-source.ts';

/** An EndDevice is one DER: a site with several has an EndDevice each, as CSIP has it (CSIP 2.1 §5.2). */
const onlyDer = '1';

const isDer = ({ ids }: Context): boolean => ids[1] === onlyDer;

/** The DER of an EndDevice and what it tells of itself (IEEE 2030.5-2018 §10.10.4). */
export function derSources(services: SepServices, usagePointOf: (device: number) => Entry | undefined) {
  const { assignments, events, store } = services;
  const told = (name: RootName): Source => {
    const { read, put } = storedDocument(store, name);
    return {
      read: (context) => (isDer(context) ? read(context) : undefined),
      put: (request) => (isDer(request) ? put(request) : notFound),
    };
  };
  const programsOf = (context: Context): readonly StoredResource[] =>
    isDer(context) ? assignments.itemsOf([Number(context.ids[0])], '/derp') : [];
  /** The program that wins now: the first with an active event, else the first with a default. */
  const currentProgram = (context: Context): StoredResource | undefined => {
    const programs = programsOf(context).toSorted(
      (a, b) => (a.document as DERProgram).primacy - (b.document as DERProgram).primacy,
    );
    return (
      programs.find(({ href }) => events.active(`${href}/derc`).length > 0) ??
      programs.find(({ href }) => store.get(`${href}/dderc`) !== undefined)
    );
  };
  const usagePoint = (context: Context): Entry | undefined =>
    isDer(context) ? usagePointOf(Number(context.ids[0])) : undefined;

  return {
    DERList: { entries: ({ href }) => [{ href: `${href}/${onlyDer}`, name: 'DER', document: {} }] },
    DER: { read: (context) => (isDer(context) ? { href: context.href, name: 'DER', document: {} } : undefined) },
    DERCapability: told('DERCapability'),
    DERSettings: told('DERSettings'),
    DERStatus: told('DERStatus'),
    DERAvailability: told('DERAvailability'),
    AssociatedUsagePoint: { read: usagePoint, isLinked: (context) => usagePoint(context) !== undefined },
    AssociatedDERProgramList: { entries: programsOf },
    CurrentDERProgram: { read: currentProgram, isLinked: (context) => currentProgram(context) !== undefined },
  } satisfies Readonly<Record<string, Source>>;
}
