import type { BoardReport } from './board-report.ts';

/** The media type of Prometheus's text format. */
export const metricsType = 'text/plain; version=0.0.4';

interface Metric {
  readonly name: string;
  readonly help: string;
  readonly type: 'counter' | 'gauge';
  readonly samples: readonly { readonly labels?: Readonly<Record<string, string>>; readonly value: number }[];
}

/** What a monitoring system reads of a board, in Prometheus's text format. */
export function metricsOf(report: BoardReport): string {
  return metricsIn(report)
    .filter(({ samples }) => samples.length > 0)
    .map(({ name, help, type, samples }) => {
      const lines = samples.map(({ labels = {}, value }) => {
        const all = Object.entries({ meter: report.meterId, ...labels });
        return `${name}{${all.map(([label, text]) => `${label}="${escaped(text)}"`).join(',')}} ${value}\n`;
      });
      return `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${lines.join('')}`;
    })
    .join('');
}

function metricsIn({ isControlAlive, parts, outbox, tls }: BoardReport): Metric[] {
  const { totals, waiting } = outbox;
  const { tpm } = tls;
  return [
    metric('control_alive', 'gauge', 'Whether samples are taken and acted upon.', Number(isControlAlive)),
    {
      name: 'gridtokenx_board_part_well',
      help: 'Whether a device or task of the board is well.',
      type: 'gauge',
      samples: parts.map(({ part, isWell }) => ({ labels: { part }, value: Number(isWell) })),
    },
    metric('readings_waiting', 'gauge', 'Readings that the head-end has not acknowledged yet.', waiting),
    metric(
      'readings_acknowledged_total',
      'counter',
      'Readings that the head-end has acknowledged.',
      totals.acknowledged,
    ),
    metric('tls_handshakes_total', 'counter', 'Handshakes with the server since the program began.', tls.handshakes),
    metric('tpm_signatures_total', 'counter', 'Signatures that the TPM made for TLS since then.', tpm?.signatures),
    metric('tpm_signature_failures_total', 'counter', 'Signatures that the TPM did not make.', tpm?.failures),
    metric(
      'tpm_signature_seconds_total',
      'counter',
      'Time that the TPM took for its signatures.',
      tpm && tpm.microseconds / 1e6,
    ),
  ];
}

/** One value of the board, or none where it is not known. */
const metric = (name: string, type: Metric['type'], help: string, value: number | undefined): Metric => ({
  name: `gridtokenx_board_${name}`,
  help,
  type,
  samples: value === undefined ? [] : [{ value }],
});

const escaped = (text: string): string => text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
