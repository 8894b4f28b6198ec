/** One measured figure and, where there is one, what it must reach. */
export interface Figure {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  readonly target?: { readonly atMost: number } | { readonly atLeast: number };
}

export const isReached = ({ value, target }: Figure): boolean => {
  if (target === undefined) return true;
  return 'atMost' in target ? value <= target.atMost : value >= target.atLeast;
};

/** A line for a person: `24 h of campus … 71.2 s (at most 90)`. */
export function describeFigure(figure: Figure): string {
  const { name, value, unit, target } = figure;
  const shown = Number.isInteger(value) ? String(value) : value.toFixed(2);
  const aim =
    target === undefined ? '' : 'atMost' in target ? ` (at most ${target.atMost})` : ` (at least ${target.atLeast})`;
  return `${isReached(figure) ? '  ' : '✖ '}${name}: ${shown} ${unit}${aim}`;
}
