/** A power in watts as ActivePower carries it: an Int16 and the smallest power of ten that lets it fit. */
export function activePower(watts: number): { multiplier: number; value: number } {
  let multiplier = 0;
  let value = watts;
  while (Math.abs(value) > 32_767) {
    multiplier++;
    value = Math.round(watts / 10 ** multiplier);
  }
  return { multiplier, value };
}
