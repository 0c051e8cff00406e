import { useEffect, useState } from 'preact/hooks';

/** What the page shows, by its address: `#now`, `#run/ID` … */
export type Route = { view: 'now' | 'history' | 'usage' | 'log' } | { view: 'run'; runId: string };

export function useRoute(): Route {
  const [route, setRoute] = useState(() => readRoute(location.hash));
  useEffect(() => {
    const read = () => setRoute(readRoute(location.hash));
    addEventListener('hashchange', read);
    return () => removeEventListener('hashchange', read);
  }, []);
  return route;
}

function readRoute(hash: string): Route {
  const [view = '', id = ''] = hash.slice(1).split('/');
  if (view === 'run' && id !== '') return { view, runId: decode(id) };
  return view === 'history' || view === 'usage' || view === 'log' ? { view } : { view: 'now' };
}

export function runAddress(runId: string): string {
  return `#run/${encodeURIComponent(runId)}`;
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
