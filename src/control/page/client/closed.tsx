/** What stands in the page's place where it cannot be used, and how to open it again. */
export function Closed({ why }: { why: 'no_session' | 'closed' }) {
  return (
    <main class="closed">
      <h1>{why === 'closed' ? 'This page is closed' : 'This page is not open in this tab'}</h1>
      <p role="alert">
        {why === 'closed'
          ? 'The daemon has stopped or was started again, or nobody had this page open for a quarter of an hour. Runs go on without it.'
          : 'An address of this page opens it once, within a minute, in one tab.'}
      </p>
      <p>
        To open it, run this in a terminal of this computer: <code>runmesh dashboard</code>
      </p>
    </main>
  );
}
