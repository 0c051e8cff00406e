import { useMemo, useState } from 'preact/hooks';
import type { LogLevel } from '../../../kit/log-entry.ts';
import type { LogLine, StreamLine } from '../../contract.ts';
import { runAddress } from './route.ts';
import { shown, Text } from './text.tsx';
import { type Reading, useStream } from './use-stream.ts';
import type { ViewProps } from './view-props.ts';

/** The end of the daemon's log and what comes, the newest first. */
export function LogView({ api }: ViewProps) {
  const [level, setLevel] = useState<LogLevel>('info');
  const log = useMemo(() => ({ lines: [] as LogLine[], count: 0 }), [level]);
  const reading = useMemo<Reading>(
    () => ({
      path: () => {
        log.lines = [];
        return `/logs?level=${level}`;
      },
      take: (line: StreamLine) => {
        log.lines.push(line as unknown as LogLine);
        log.count += 1;
        if (log.lines.length > MOST_LINES * 2) log.lines = log.lines.slice(-MOST_LINES);
      },
      ended: () => false,
    }),
    [log],
  );
  const failure = useStream(api, reading);
  const shownLines = log.lines.slice(-MOST_LINES).reverse();
  return (
    <section aria-labelledby="log">
      <h2 id="log">Log</h2>
      <div class="row">
        <label for="level">This level and worse</label>
        <select
          id="level"
          value={level}
          onChange={(event) => setLevel(event.currentTarget.value as LogLevel)}
        >
          {LEVELS.map((name) => (
            <option key={name} value={name}>
              {name}
            </option>
          ))}
        </select>
      </div>
      {failure !== undefined && (
        <p class="trouble" role="alert">
          <Text>{failure}</Text>
        </p>
      )}
      {shownLines.length === 0 && <p class="dim">Nothing of this level yet.</p>}
      <ol class="log">
        {shownLines.map((line, index) => (
          <Line key={log.count - index} line={line} />
        ))}
      </ol>
    </section>
  );
}

function Line({ line: { time, level, message, fields } }: { line: LogLine }) {
  const { runId, ...others } = fields;
  return (
    <li class={level}>
      <time dateTime={time}>{new Date(time).toLocaleTimeString()}</time> <b>{level}</b> <Text>{message}</Text>
      {typeof runId === 'string' && (
        <>
          {' '}
          <a href={runAddress(runId)}>
            <Text>{runId}</Text>
          </a>
        </>
      )}
      <span class="dim">
        {Object.entries(others).map(([name, value]) => shown(` ${name}=${tell(value)}`))}
      </span>
    </li>
  );
}

function tell(value: unknown): string {
  return typeof value === 'string' ? value : (JSON.stringify(value) ?? '');
}

const LEVELS: readonly LogLevel[] = ['trace', 'debug', 'info', 'warn', 'error'];
const MOST_LINES = 500;
