import { useEffect, useState } from 'preact/hooks';
import { messageOf } from '../../../kit/errors.ts';
import type { DayUsage } from '../../contract.ts';
import { formatCount } from '../../words/format.ts';
import { Text } from './text.tsx';
import type { ViewProps } from './view-props.ts';

/** Tokens of the last days, by model: a chart, and the same as a table. */
export function UsageView({ api, pulse }: ViewProps) {
  const [rows, setRows] = useState<readonly DayUsage[]>();
  const [failure, setFailure] = useState('');
  const turn = Math.floor(pulse.at / COUNT_AGAIN_MS);
  useEffect(() => {
    api
      .get<DayUsage[]>(`/usage?days=${DAYS}`)
      .then((counted) => {
        setRows(counted);
        setFailure('');
      })
      .catch((error) => setFailure(messageOf(error)));
  }, [turn]);
  if (failure !== '')
    return (
      <p class="trouble">
        <Text>{failure}</Text>
      </p>
    );
  if (rows === undefined) return <p class="dim">Counting…</p>;
  const days = Array.from({ length: DAYS }, (_, back) => dayBefore(new Date(pulse.at), DAYS - 1 - back));
  return (
    <section aria-labelledby="usage">
      <h2 id="usage">Usage of the last {DAYS} days</h2>
      {rows.length === 0 ? (
        <p class="dim">No model was asked in these days.</p>
      ) : (
        <>
          <Chart days={days} rows={rows} />
          <Table rows={rows} />
        </>
      )}
    </section>
  );
}

function Chart({ days, rows }: { days: readonly string[]; rows: readonly DayUsage[] }) {
  const models = byTokens(rows);
  const sums = days.map((day) => tokensOf(rows.filter((row) => row.day === day)));
  const top = Math.max(1, ...sums);
  return (
    <figure class="chart">
      <figcaption>
        Tokens a day; the highest {formatCount(top)}
        <ul class="legend">
          {models.map((model, index) => (
            <li key={model}>
              <svg class={seriesOf(index)} viewBox="0 0 1 1" aria-hidden="true">
                <rect width="1" height="1" />
              </svg>
              <Text>{model}</Text>
            </li>
          ))}
        </ul>
      </figcaption>
      <svg
        class="bars"
        viewBox={`0 0 ${days.length} 100`}
        preserveAspectRatio="none"
        role="img"
        aria-label={`Tokens of each of ${days.length} days, by model. The table below has the numbers.`}
      >
        {days.map((day, at) => (
          <Bar key={day} at={at} day={day} rows={rows} models={models} top={top} />
        ))}
      </svg>
      <div class="axis dim" aria-hidden="true">
        <span>{days[0]}</span>
        <span>{days.at(-1)}</span>
      </div>
    </figure>
  );
}

interface BarProps {
  at: number;
  day: string;
  rows: readonly DayUsage[];
  models: readonly string[];
  top: number;
}

function Bar({ at, day, rows, models, top }: BarProps) {
  const own = rows.filter((row) => row.day === day);
  let below = 0;
  const parts = models.map((model, index) => {
    const height = (tokensOf(own.filter((row) => row.model === model)) / top) * 100;
    below += height;
    return { model, index, height, y: 100 - below };
  });
  return (
    <g>
      <title>{`${day}: ${formatCount(tokensOf(own))} tokens`}</title>
      {parts.map(({ model, index, height, y }) => (
        <rect key={model} class={seriesOf(index)} x={at + 0.12} width="0.76" y={y} height={height} />
      ))}
    </g>
  );
}

function Table({ rows }: { rows: readonly DayUsage[] }) {
  return (
    <table aria-label="Usage by day and model">
      <thead>
        <tr>
          <th scope="col">Day</th>
          <th scope="col">Model</th>
          <th scope="col">In</th>
          <th scope="col">Cached</th>
          <th scope="col">Out</th>
        </tr>
      </thead>
      <tbody>
        {rows.map(({ day, model, usage }) => (
          <tr key={`${day} ${model}`}>
            <th scope="row">
              <Text>{day}</Text>
            </th>
            <td>
              <Text>{model}</Text>
            </td>
            <td>{formatCount(usage.inputTokens)}</td>
            <td>{formatCount(usage.cachedInputTokens)}</td>
            <td>{formatCount(usage.outputTokens)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

/** Models, the most used first. */
function byTokens(rows: readonly DayUsage[]): string[] {
  const models = [...new Set(rows.map(({ model }) => model))];
  const total = (model: string) => tokensOf(rows.filter((row) => row.model === model));
  return models.sort((a, b) => total(b) - total(a));
}

function tokensOf(rows: readonly DayUsage[]): number {
  return rows.reduce((sum, { usage }) => sum + usage.totalTokens, 0);
}

/** By the calendar: a day may have 23 hours. */
function dayBefore(from: Date, days: number): string {
  return dayOf(new Date(from.getFullYear(), from.getMonth(), from.getDate() - days));
}

function dayOf(date: Date): string {
  const two = (part: number) => String(part).padStart(2, '0');
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
}

function seriesOf(index: number): string {
  return `series-${Math.min(index, MOST_SERIES - 1)}`;
}

const DAYS = 30;
/** Many steps take a while to count. */
const COUNT_AGAIN_MS = 30_000;
const MOST_SERIES = 6;
