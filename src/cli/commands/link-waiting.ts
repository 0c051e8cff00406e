import { formatDuration } from '../../control/words/format.ts';
import type { LinkDeviceOptions } from '../../device/link-device.ts';
import type { CliContext } from '../context.ts';
import { openBrowser } from '../open-browser.ts';
import type { Output } from '../output.ts';
import { fingerprintRows, linkScreen } from '../render/link-screen.ts';
import { Screen } from '../render/screen.ts';

/** Shows the code while its owner approves it, and on a terminal how long it still lasts. */
export function showLink(
  context: CliContext,
  output: Output,
  { label, browser }: { label: string; browser: boolean },
): { onCode: LinkDeviceOptions['onCode']; end(): void } {
  const over = new AbortController();
  const screen = new Screen(output.screen);
  const show = async (shown: Parameters<LinkDeviceOptions['onCode']>[0]): Promise<void> => {
    output.tell({ type: 'link_code', ...shown });
    if (output.json) return;
    const page = `${shown.url}#${shown.code}`;
    if (output.screen.isTTY === true) {
      const facts = { ...shown, label, hostname: context.hostname };
      screen.line(`\n${linkScreen(facts, screen.width, output.paint).join('\n')}\n`);
    } else {
      screen.line(`Code: ${shown.code}`);
      screen.line(`Device: ${label} on ${context.hostname}`);
      for (const row of fingerprintRows(shown.fingerprint)) screen.line(`Key: ${row}`);
    }
    screen.line(`Approve it at ${shown.url}`);
    screen.line('Approve only if code and key there are the same as here.');
    if (browser && (await openBrowser(context, output, page)))
      screen.line('The page was opened in your browser.');
    await countDown(Date.parse(shown.expiresAt));
  };
  const countDown = async (expiresAt: number): Promise<void> => {
    const left = () => formatDuration(Math.max(0, expiresAt - context.clock.now()));
    if (output.screen.isTTY !== true) screen.line(`Waiting; the code lasts ${left()}.`);
    while (output.screen.isTTY === true && !over.signal.aborted) {
      screen.passing(`Waiting for your approval; the code lasts ${left()}. Ctrl-C stops.`, (text) =>
        output.paint('dim', text),
      );
      await context.clock.sleep(1_000, over.signal);
    }
  };
  return {
    onCode: (shown) => void show(shown).catch((error) => output.note(String(error))),
    end: () => {
      over.abort();
      screen.endLine();
    },
  };
}
