/** IEEE 2030.5-2018 (and 2023) documents. */
export const namespace2018 = 'urn:ieee:std:2030.5:ns';
/** IEEE 2030.5-2013 documents; EPRI's client still sends them. */
export const namespace2013 = 'http://ieee.org/2030.5';
export const namespaceCsipAus12 = 'https://csipaus.org/ns';
export const namespaceCsipAus13 = 'https://csipaus.org/ns/v1.3';
export const namespaceExtension = 'urn:gridtokenx:2030.5-ext:v1';
export const namespaceXsi = 'http://www.w3.org/2001/XMLSchema-instance';

/** IEEE 2030.5-2018 §4.3: the media type of XML documents. */
export const mediaType = 'application/sep+xml';

/** Edition of the base namespace, as a peer writes it. */
export type Edition = '2018' | '2013';
/** The schema that a document is held against; `any` takes the elements of every profile, none of them required. */
export type ProfileName = 'ieee-2018' | 'csip-aus-1.2' | 'csip-aus-1.3' | 'any';

export const baseNamespaces: Readonly<Record<Edition, string>> = { '2018': namespace2018, '2013': namespace2013 };
