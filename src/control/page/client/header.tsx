import type { Route } from './route.ts';
import { Text } from './text.tsx';
import type { Pulse } from './use-pulse.ts';
import type { ViewProps } from './view-props.ts';
import { describePause } from './words.ts';

/** Whose page this is, how its daemon is, the owner's pause, and the ways to the rest. */
export function Header({ pulse, route, api, act }: ViewProps & { route: Route }) {
  const { status, failure, questions } = pulse;
  const paused = status?.paused.includes('owner') ?? false;
  const toggle = () =>
    paused
      ? act(() => api.post('/resume'), 'Runs are taken and executed again.')
      : act(
          () => api.post('/pause', { mode: 'finish' }),
          'Paused: runs under way go on to their end, and no other starts.',
        );
  return (
    <header class="top">
      <div class="device">
        <h1>
          <Text>{status?.label ?? 'RunMesh'}</Text>
        </h1>
        {status !== undefined && (
          <button type="button" class="quiet" onClick={toggle}>
            {paused ? 'Resume' : 'Pause'}
          </button>
        )}
      </div>
      <p class="state">
        <State status={status} failure={failure} />
      </p>
      {status?.paused.map((reason) => (
        <p class="notice" key={reason}>
          No run is started: <Text>{describePause(reason)}</Text>.
        </p>
      ))}
      <nav aria-label="Sections">
        {SECTIONS.map(([view, title]) => (
          <a key={view} href={`#${view}`} aria-current={isAt(route, view) ? 'page' : undefined}>
            {title}
            {view === 'now' && questions.length > 0 && <span class="count">{questions.length}</span>}
          </a>
        ))}
      </nav>
    </header>
  );
}

function State({ status, failure }: Pick<Pulse, 'status' | 'failure'>) {
  if (failure !== undefined) return <Light kind="bad" words={failure} />;
  if (status === undefined) return <Light kind="dim" words="Asking the daemon" />;
  const { doing, sessionId } = status.connection;
  return <Light kind={sessionId === null ? 'warn' : 'good'} words={doing} />;
}

/** The colour says nothing that the words do not. */
function Light({ kind, words }: { kind: 'good' | 'warn' | 'bad' | 'dim'; words: string }) {
  return (
    <>
      <span class={`light ${kind}`} aria-hidden="true" />
      <Text>{words}</Text>
    </>
  );
}

function isAt(route: Route, view: string): boolean {
  return route.view === view || (route.view === 'run' && view === 'history');
}

const SECTIONS = [
  ['now', 'Now'],
  ['history', 'History'],
  ['usage', 'Usage'],
  ['log', 'Log'],
] as const;
