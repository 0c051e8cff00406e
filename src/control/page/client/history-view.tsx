import { useEffect, useRef, useState } from 'preact/hooks';
import { messageOf } from '../../../kit/errors.ts';
import type { HistoryItem, HistoryPage } from '../../contract.ts';
import { formatDuration } from '../../words/format.ts';
import { runAddress } from './route.ts';
import { shown, Text } from './text.tsx';
import type { ViewProps } from './view-props.ts';
import { formatInstant, STATUS_KIND } from './words.ts';

interface Found {
  search: string;
  runs: readonly HistoryItem[];
  next: number | null;
  looking: boolean;
  failure: string | undefined;
}

/** The runs this device remembers, searched by words of their id, agent, prompt or result. */
export function HistoryView({ api, pulse }: ViewProps) {
  const [typed, setTyped] = useState('');
  const [found, setFound] = useState<Found>({ ...NOTHING, search: '' });
  const latest = useRef<AbortController>(undefined);
  const look = async (from: Found, signal: AbortSignal): Promise<void> => {
    let { runs, next } = from;
    const wanted = runs.length + PAGE_RUNS;
    // The daemon looks through a part of its journal at a time.
    do {
      const query = new URLSearchParams({ search: from.search, limit: String(wanted - runs.length) });
      if (next !== null) query.set('before', String(next));
      const page = await api.get<HistoryPage>(`/history?${query}`, signal);
      signal.throwIfAborted();
      runs = [...runs, ...page.runs];
      next = page.next;
      setFound({ ...from, runs, next, looking: next !== null && runs.length < wanted, failure: undefined });
    } while (next !== null && runs.length < wanted);
  };
  const lookFrom = (from: Found): void => {
    latest.current?.abort();
    const over = new AbortController();
    latest.current = over;
    setFound({ ...from, looking: true });
    look(from, over.signal).catch((error) => {
      if (!over.signal.aborted) setFound({ ...from, looking: false, failure: messageOf(error) });
    });
  };
  useEffect(() => {
    const soon = setTimeout(
      () => lookFrom({ ...NOTHING, search: typed.trim() }),
      typed === '' ? 0 : TYPING_MS,
    );
    return () => {
      clearTimeout(soon);
      latest.current?.abort();
    };
  }, [typed]);
  return (
    <section aria-labelledby="history">
      <h2 id="history">History</h2>
      <search>
        <form class="row" onSubmit={(event) => event.preventDefault()}>
          <label for="search">Search agents, prompts, results and ids</label>
          <input
            id="search"
            type="search"
            value={typed}
            maxLength={200}
            autocomplete="off"
            onInput={(event) => setTyped(event.currentTarget.value)}
          />
        </form>
      </search>
      <p class="dim" role="status">
        <Text>{tellFound(found)}</Text>
      </p>
      <ul class="runs history">
        {found.runs.map((run) => (
          <Row key={run.runId} run={run} now={pulse.at} />
        ))}
      </ul>
      {found.next !== null && !found.looking && (
        <button type="button" class="quiet" onClick={() => lookFrom(found)}>
          Show older
        </button>
      )}
    </section>
  );
}

function Row({ run, now }: { run: HistoryItem; now: number }) {
  const { runId, agent, status, acceptedAt, endedAt, prompt, result } = run;
  const took = endedAt === null ? '' : `, ${formatDuration(Date.parse(endedAt) - Date.parse(acceptedAt))}`;
  return (
    <li>
      <a href={runAddress(runId)} title={shown(runId)}>
        <Text>{agent}</Text>
      </a>
      <span class={`badge ${STATUS_KIND[status]}`}>{status}</span>
      <span class="dim">
        {formatInstant(acceptedAt, now)}
        {took}
      </span>
      {prompt !== null && (
        <p class="prompt">
          <Text>{prompt}</Text>
        </p>
      )}
      {result !== null && (
        <p class="result">
          <Text>{result}</Text>
        </p>
      )}
    </li>
  );
}

function tellFound({ search, runs, looking, failure }: Found): string {
  if (failure !== undefined) return failure;
  if (looking) return 'Looking…';
  if (runs.length > 0)
    return search === '' ? '' : `${runs.length === 1 ? 'One run' : `${runs.length} runs`} found.`;
  return search === '' ? 'This device has had no run yet.' : 'No run has these words.';
}

const NOTHING = { runs: [], next: null, looking: true, failure: undefined };
const PAGE_RUNS = 20;
const TYPING_MS = 250;
