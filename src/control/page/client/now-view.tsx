import type { ComponentChildren } from 'preact';
import type { DaemonStatus } from '../../contract.ts';
import { formatAgo, formatDuration, formatPlural, formatUsage } from '../../words/format.ts';
import { describeStore } from '../../words/secret-store.ts';
import type { Api } from './api.ts';
import { LiveEnd } from './live-end.tsx';
import { Question } from './question.tsx';
import { runAddress } from './route.ts';
import { Text } from './text.tsx';
import type { ViewProps } from './view-props.ts';

/** What waits for the owner, what is under way, and how the device is. */
export function NowView(props: ViewProps) {
  const { status, questions, at } = props.pulse;
  if (status === undefined) return <p class="dim">Asking the daemon…</p>;
  return (
    <>
      {questions.length > 0 && (
        <section aria-labelledby="questions">
          <h2 id="questions">Waiting for you</h2>
          {questions.map((question) => (
            <Question key={question.approvalId} question={question} {...props} />
          ))}
        </section>
      )}
      <section aria-labelledby="runs">
        <h2 id="runs">Under way</h2>
        <Running status={status} api={props.api} />
      </section>
      <section aria-labelledby="device">
        <h2 id="device">This device</h2>
        <dl class="facts">
          <Facts status={status} now={at} />
        </dl>
      </section>
      <section aria-labelledby="loops">
        <h2 id="loops">What it is doing</h2>
        <dl class="facts">
          {Object.entries(status.loops).map(([name, { doing, since }]) => (
            <Fact key={name} name={name}>
              <Text>{doing}</Text> <span class="dim">for {formatDuration(Math.max(0, at - since))}</span>
            </Fact>
          ))}
        </dl>
      </section>
    </>
  );
}

function Running({ status: { running, queued }, api }: { status: DaemonStatus; api: Api }) {
  if (running.length === 0 && queued === 0) return <p class="dim">No run is under way.</p>;
  return (
    <ul class="runs">
      {running.map(({ runId, agent, step, seconds }, index) => (
        <li key={runId}>
          <a href={runAddress(runId)}>
            <Text>{agent}</Text>
          </a>
          <span class="dim">
            step {step + 1}, {formatDuration(seconds * 1_000)}
          </span>
          <code class="id">
            <Text>{runId}</Text>
          </code>
          {index < MOST_LIVE && <LiveEnd runId={runId} api={api} />}
        </li>
      ))}
      {queued > 0 && <li class="dim">{formatPlural(queued, 'run')} waiting for a turn</li>}
    </ul>
  );
}

function Facts({ status, now }: { status: DaemonStatus; now: number }) {
  const { connection, power, lastHeard } = { ...status, lastHeard: status.connection.lastHeardSeconds };
  return (
    <>
      <Fact name="Mesh">
        <Text>{status.meshUrl ?? 'none'}</Text>
        {connection.through !== null && (
          <>
            {' '}
            through <Text>{connection.through}</Text>
          </>
        )}
        <span class="dim">
          {' '}
          last heard from {lastHeard === null ? 'never' : `${formatDuration(lastHeard * 1_000)} ago`}
        </span>
      </Fact>
      <Fact name="Device">
        <code>
          <Text>{status.deviceId ?? 'not linked'}</Text>
        </code>{' '}
        of <Text>{status.orgId ?? 'no account'}</Text>
      </Fact>
      <Fact name="Tokens today">{formatUsage(status.usageToday)}</Fact>
      <Fact name="Power">{describePower(power)}</Fact>
      <Fact name="Secrets">
        in <Text>{describeStore(status.secretStore)}</Text>
      </Fact>
      {status.journalSetAside !== null && (
        <Fact name="Journal">
          was damaged and begun anew; the old one is <Text>{status.journalSetAside}</Text>
        </Fact>
      )}
      <Fact name="Daemon">
        version <Text>{status.version}</Text>, {status.asService ? 'as a service' : 'started by hand'}, pid{' '}
        {status.pid}, {Math.round(status.rssBytes / 1_048_576)} MB, started {formatAgo(status.startedAt, now)}
      </Fact>
    </>
  );
}

function Fact({ name, children }: { name: string; children: ComponentChildren }) {
  return (
    <div>
      <dt>
        <Text>{name}</Text>
      </dt>
      <dd>{children}</dd>
    </div>
  );
}

function describePower({ source, percent, keepingAwake, keepAwake }: DaemonStatus['power']): string {
  const from = { mains: 'mains', battery: 'battery', unknown: 'not known' }[source];
  const charge = percent === null ? '' : `, battery at ${percent} %`;
  const policy = {
    ac: 'kept awake for runs, on mains',
    always: 'kept awake for runs',
    never: 'free to sleep',
  };
  return `${from}${charge}; ${keepingAwake ? 'kept awake for a run' : policy[keepAwake]}`;
}

/**
 * A browser opens six connections to one server, and windows side by side share them: two windows with two each leave two for
 * what is asked each second.
 */
const MOST_LIVE = 2;
