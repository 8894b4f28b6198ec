/** What the twins show of the grid: its nominal values, 480/277 V and 60 Hz, as on a campus in the United States. */
export const nominalGrid = { lineToNeutralV: 277, lineToLineV: 480, frequencyHz: 60 } as const;
