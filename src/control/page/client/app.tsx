import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { messageOf } from '../../../kit/errors.ts';
import { createApi } from './api.ts';
import { Header } from './header.tsx';
import { HistoryView } from './history-view.tsx';
import { LogView } from './log-view.tsx';
import { NowView } from './now-view.tsx';
import { type Route, useRoute } from './route.ts';
import { RunView } from './run-view.tsx';
import { shown, Text } from './text.tsx';
import { UsageView } from './usage-view.tsx';
import { usePulse } from './use-pulse.ts';
import type { ViewProps } from './view-props.ts';

export interface AppProps {
  session: string;
  now: () => number;
  onClosed: () => void;
}

export function App({ session, now, onClosed }: AppProps) {
  const api = useMemo(() => createApi(session), [session]);
  const pulse = usePulse(api, now, onClosed);
  const route = useRoute();
  const [told, setTold] = useState({ text: '', bad: false });
  const asking = pulse.questions.length;
  const label = pulse.status?.label ?? '';
  useEffect(() => {
    document.title = `${asking > 0 ? `(${asking}) ` : ''}${label === '' ? '' : `${shown(label)} – `}RunMesh`;
  }, [asking, label]);
  const act: ViewProps['act'] = async (doing, done) => {
    try {
      await doing();
      setTold({ text: done, bad: false });
      pulse.look();
      return true;
    } catch (error) {
      setTold({ text: messageOf(error), bad: true });
      return false;
    }
  };
  const place = useArrival(route);
  useEffect(() => setTold({ text: '', bad: false }), [route]);
  return (
    <>
      <button type="button" class="skip" onClick={() => place.current?.focus()}>
        Skip to the content
      </button>
      <Header pulse={pulse} route={route} api={api} act={act} />
      <p class={told.bad ? 'told bad' : 'told'} role="status">
        <Text>{told.text}</Text>
      </p>
      <p class="unseen" role="status">
        {asking === 0 ? '' : `${asking === 1 ? 'A run asks' : `${asking} runs ask`} you something.`}
      </p>
      <main ref={place} tabIndex={-1}>
        <View route={route} api={api} pulse={pulse} act={act} />
      </main>
    </>
  );
}

function View({ route, ...props }: ViewProps & { route: Route }) {
  switch (route.view) {
    case 'run':
      return <RunView key={route.runId} runId={route.runId} {...props} />;
    case 'history':
      return <HistoryView {...props} />;
    case 'usage':
      return <UsageView {...props} />;
    case 'log':
      return <LogView {...props} />;
    default:
      return <NowView {...props} />;
  }
}

/** Whoever goes somewhere else by keyboard goes on from there. */
function useArrival(route: Route) {
  const place = useRef<HTMLElement>(null);
  const first = useRef(true);
  useEffect(() => {
    if (!first.current) {
      place.current?.focus({ preventScroll: true });
      scrollTo(0, 0);
    }
    first.current = false;
  }, [route]);
  return place;
}
