import { useMemo, useState } from 'preact/hooks';
import { formatDuration, formatPlural, formatUsage } from '../../words/format.ts';
import { toolSign } from '../../words/tool-line.ts';
import type { Block, CallBlock, ChangeBlock, SaidBlock } from './run-story.ts';
import { Text } from './text.tsx';
import { ANSWERED } from './words.ts';

/** A run's story. What is far above is drawn when somebody asks for it. */
export function Blocks({ blocks }: { blocks: readonly Block[] }) {
  const [most, setMost] = useState(SHOWN_BLOCKS);
  const first = Math.max(0, blocks.length - most);
  return (
    <div class="story">
      {first > 0 && (
        <button type="button" class="quiet" onClick={() => setMost(most + SHOWN_BLOCKS)}>
          Show earlier ({first} more)
        </button>
      )}
      {blocks.slice(first).map((block, index) => (
        // A block never changes its place.
        <KeptBlock key={first + index} block={block} />
      ))}
    </div>
  );
}

/** Drawn again only when it is another. */
export function KeptBlock({ block }: { block: Block }) {
  return useMemo(() => <OneBlock block={block} />, [block]);
}

function OneBlock({ block }: { block: Block }) {
  switch (block.kind) {
    case 'started': {
      const { agent, model, workspace, attempt } = block.payload;
      const where = workspace === null ? '' : `, in ${workspace}`;
      return (
        <p class="dim">
          <Text>{`${agent} by ${model}${where}${attempt > 1 ? `, attempt ${attempt}` : ''}`}</Text>
        </p>
      );
    }
    case 'said':
      return <Said block={block} />;
    case 'call':
      return <Call block={block} />;
    case 'change':
      return <Change block={block} />;
    case 'asked': {
      const { request, resolution } = block;
      const words = resolution?.words === undefined ? '' : `: ${resolution.words}`;
      return (
        <p class="asked">
          asked to run{request.opens === 'outside_sandbox' ? ' outside the sandbox' : ''}{' '}
          <code>
            <Text>{request.what}</Text>
          </code>{' '}
          <strong>
            <Text>
              {resolution === undefined ? 'waits for you' : `${ANSWERED[resolution.decision]}${words}`}
            </Text>
          </strong>
        </p>
      );
    }
    case 'trouble':
      return (
        <p class="trouble">
          <Text>{block.message}</Text>
        </p>
      );
    case 'ended': {
      const { status, error, iterations, usage } = block.payload;
      return (
        <p class={`ended ${status}`}>
          <strong>{status}</strong> {formatPlural(iterations, 'step')}, {formatUsage(usage)}
          {error !== undefined && (
            <span class="trouble">
              <Text>{error.message}</Text>
            </span>
          )}
        </p>
      );
    }
    default:
      return null;
  }
}

function Said({ block: { who, text: said, live } }: { block: SaidBlock }) {
  const [whole, setWhole] = useState(false);
  if (said === '') return null;
  // What is being said is short, and its end is what matters.
  const text = whole || live ? said : said.slice(0, SHOWN_SAID_UNITS);
  if (who === 'thinking') {
    return (
      <details class="thinking">
        <summary>{live ? 'thinking…' : 'thought'}</summary>
        <p class="text">
          <Text>{text}</Text>
        </p>
      </details>
    );
  }
  return (
    <div class={`said ${who}`}>
      <span class="who">{WHO[who]}</span>
      <p class={live ? 'text live' : 'text'}>
        <Text>{text}</Text>
        {text.length < said.length && (
          <button type="button" class="quiet" onClick={() => setWhole(true)}>
            … show all of it
          </button>
        )}
      </p>
    </div>
  );
}

function Call({ block }: { block: CallBlock }) {
  const { words, arguments: args, status, standing, output, durationMs } = block;
  const running = status === 'running' || status === 'waiting';
  const { sign, colour } = running ? { sign: '…', colour: 'dim' } : toolSign(status);
  const took = [
    status === 'completed' || status === 'nonzero' ? standing : status,
    durationMs === undefined ? '' : formatDuration(durationMs),
  ].filter((word) => word !== '');
  return (
    <details class="call" open={running || status === 'failed' || status === 'nonzero'}>
      <summary>
        <span class={`sign ${colour}`} aria-hidden="true">
          {sign}
        </span>
        <code class="line">
          <Text>{words.replace(/\s+/g, ' ')}</Text>
        </code>
        <span class="dim">{took.join(', ')}</span>
      </summary>
      {args !== '' && (
        <details class="arguments">
          <summary>Arguments</summary>
          <Long text={args} />
        </details>
      )}
      {output !== '' && <Long text={output} />}
    </details>
  );
}

function Change({ block: { title, added, removed, lines } }: { block: ChangeBlock }) {
  const [whole, setWhole] = useState(false);
  const shown = whole ? lines : lines?.slice(0, SHOWN_LINES);
  const left = (lines?.length ?? 0) - (shown?.length ?? 0);
  return (
    <details class="change" open>
      <summary>
        <code class="line">
          <Text>{title}</Text>
        </code>
        {lines !== undefined && (
          <span class="dim">
            +{added} −{removed}
          </span>
        )}
      </summary>
      {shown === undefined ? (
        <p class="dim">Not a text.</p>
      ) : (
        <pre class="diff">
          {shown.map((line, index) => (
            <span key={index} class={LINE_KINDS[line[0] ?? '']}>
              <Text>{line}</Text>
              {'\n'}
            </span>
          ))}
        </pre>
      )}
      {left > 0 && (
        <button type="button" class="quiet" onClick={() => setWhole(true)}>
          Show {formatPlural(left, 'more line')}
        </button>
      )}
    </details>
  );
}

/** Of a long text the end is shown first: there a command says how it went. */
function Long(props: { text: string }) {
  const [whole, setWhole] = useState(false);
  const text = props.text.trimEnd();
  const end = whole ? text : endOf(text);
  return (
    <>
      {end.length < text.length && (
        <button type="button" class="quiet" onClick={() => setWhole(true)}>
          Show all {formatPlural(text.split('\n').length, 'line')}
        </button>
      )}
      <pre>
        <Text>{end.length < text.length ? `…\n${end}` : text}</Text>
      </pre>
    </>
  );
}

function endOf(text: string): string {
  return text.split('\n').slice(-SHOWN_END_LINES).join('\n').slice(-SHOWN_END_UNITS);
}

const WHO: Record<Exclude<SaidBlock['who'], 'thinking'>, string> = {
  user: 'asked',
  system: 'told',
  assistant: 'agent',
  owner: 'steered',
};
const LINE_KINDS: Readonly<Record<string, string>> = { '+': 'added', '-': 'removed', '@': 'place' };
const SHOWN_BLOCKS = 200;
const SHOWN_LINES = 300;
const SHOWN_SAID_UNITS = 20_000;
const SHOWN_END_LINES = 16;
const SHOWN_END_UNITS = 4_000;
