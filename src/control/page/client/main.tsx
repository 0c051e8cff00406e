import { render } from 'preact';
import { App } from './app.tsx';
import { Closed } from './closed.tsx';
import { forgetSession, openSession, tokenIn } from './session.ts';

/** The page's composition root: what it takes from the browser, it takes here. */
async function start(place: HTMLElement): Promise<void> {
  const session = await openSession();
  if (session === undefined) return render(<Closed why="no_session" />, place);
  const closePage = () => {
    forgetSession();
    render(<Closed why="closed" />, place);
  };
  render(<App session={session} now={() => Date.now()} onClosed={closePage} />, place);
}

// A new address in a tab that has the page open changes no more than what stands behind its `#`.
addEventListener('hashchange', () => {
  if (tokenIn(location.hash) !== undefined) location.reload();
});
const place = document.getElementById('page');
if (place !== null) start(place).catch(() => render(<Closed why="no_session" />, place));
