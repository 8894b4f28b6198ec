/** What the twins call nominal, V: 480/277, as on a campus in the United States. */
export const nominalVolts = { lineToNeutral: 277, lineToLine: 480 } as const;
