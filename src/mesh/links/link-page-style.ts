/** Light and dark by the reader's own choice; readable on a phone; a visible focus. */
export const LINK_PAGE_STYLE = `
:root { color-scheme: light dark; --ink: #1b1c1f; --paper: #fbfbfa; --line: #c9cacc; --soft: #55585e;
  --act: #1f5fbf; --on-act: #fff; --good: #17692f; --bad: #a3231b; --warn: #fff3d1; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e8e8e6; --paper: #17181a; --line: #46494e; --soft: #a8abb1;
    --act: #7fb0ff; --on-act: #10131a; --good: #7ed49a; --bad: #ff9c92; --warn: #43360f; }
}
* { box-sizing: border-box; }
body { margin: 0; padding: 2rem 1rem; background: var(--paper); color: var(--ink);
  font: 1rem/1.5 system-ui, sans-serif; }
main { max-width: 34rem; margin: 0 auto; }
h1 { font-size: 1.6rem; margin: 0 0 .5rem; } h2 { font-size: 1.25rem; margin: 2rem 0 .5rem; }
h3 { font-size: 1rem; margin: 1rem 0 .25rem; }
label { display: block; margin-top: 1rem; font-weight: 600; }
input:not([type=checkbox]) { font: inherit; width: 100%; margin-top: .25rem; padding: .5rem; color: inherit;
  background: transparent; border: 1px solid var(--line); border-radius: .375rem; }
#code { font-family: ui-monospace, monospace; text-transform: uppercase; letter-spacing: .2em; }
button { font: inherit; font-weight: 600; padding: .5rem 1.25rem; margin-top: 1rem; border-radius: .375rem;
  border: 1px solid var(--act); background: var(--act); color: var(--on-act); cursor: pointer; }
button:disabled { opacity: .45; cursor: not-allowed; }
#deny { background: transparent; color: var(--bad); border-color: var(--bad); }
:focus-visible { outline: 3px solid var(--act); outline-offset: 2px; }
h2:focus { outline: none; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .35rem 1rem; margin: 0; padding: .75rem 1rem;
  border: 1px solid var(--line); border-radius: .375rem; }
dt { color: var(--soft); } dd { margin: 0; overflow-wrap: anywhere; }
.fingerprint { font: .9rem/1.45 ui-monospace, monospace; white-space: pre-wrap; overflow-wrap: normal; }
ul { margin: 0; padding-left: 1.25rem; }
.check { display: flex; gap: .5rem; align-items: baseline; font-weight: 400; }
.answers { display: flex; gap: .75rem; }
.warning { background: var(--warn); padding: .5rem .75rem; border-radius: .375rem; overflow-wrap: anywhere; }
#status { min-height: 1.5em; font-weight: 600; } #status.good { color: var(--good); } #status.bad { color: var(--bad); }
@media (max-width: 30rem) { dl { grid-template-columns: 1fr; gap: 0; } dd { margin-bottom: .5rem; } }
`;
