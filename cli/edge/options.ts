import { InvalidArgumentError } from 'commander';

export function parseSampleSeconds(text: string): number {
  const seconds = Number(text);
  if (/^\d+$/.test(text) && seconds >= 1 && seconds <= 60) return seconds;
  throw new InvalidArgumentError('It is a whole number of seconds from 1 to 60.');
}

export function parseServerUrl(text: string): string {
  if (URL.canParse(text) && new URL(text).protocol === 'https:') return text;
  throw new InvalidArgumentError('It is an address like https://head-end.example:8443/dcap.');
}
