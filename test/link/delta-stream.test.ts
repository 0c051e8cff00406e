import { describe, expect, it, onTestFinished } from 'vitest';
import { DeltaStream, type LiveText } from '../../src/link/delta-stream.ts';
import type { DeviceFrame, FrameNamed, MeshFrame } from '../../src/protocol/frames.ts';

type Told = FrameNamed<MeshFrame, 'welcome'>['runs'][number]['deltas'];

/** A stream of the run `a` over what it says, before a mesh that has heard `told` of it. */
function stream({
  told = [],
  said = [],
  live = [],
}: {
  told?: Told;
  said?: string[];
  live?: LiveText[];
} = {}) {
  const sent: Omit<FrameNamed<DeviceFrame, 'delta'>, 'type' | 'runId'>[] = [];
  const deltas = new DeltaStream(
    {
      send: ({ messageId, kind, offset, text }) => sent.push({ messageId, kind, offset, text }),
      bufferedBytes: () => 0,
      liveTexts: () => live,
      isSaid: (_runId, messageId) => said.includes(messageId),
    },
    [{ runId: 'a', ackedRunSequence: 0, deltas: told, verdict: 'resume' }],
  );
  onTestFinished(() => deltas.stop());
  const say = (messageId: string, text: string, kind: LiveText['kind'] = 'assistant_message') => {
    const known = live.find((one) => one.messageId === messageId);
    const offset = known?.text.length ?? 0;
    if (known === undefined) live.push({ messageId, kind, text });
    else known.text += text;
    deltas.add('a', { messageId, kind, offset });
  };
  return { deltas, live, sent, say };
}

const kind = 'assistant_message' as const;

describe('the stream of what a run says live', () => {
  it('goes on where the mesh stands', () => {
    const live = [{ messageId: 'm1', kind, text: 'one two' }];
    const { deltas, sent } = stream({ told: [{ messageId: 'm1', kind, offset: 4 }], live });
    deltas.flush('a');
    expect(sent).toEqual([{ messageId: 'm1', kind, offset: 4, text: 'two' }]);
  });

  it('takes back a text that its run dropped, before what is said instead', () => {
    const { deltas, live, sent, say } = stream();
    say('m1', 'half');
    deltas.flush('a');
    live.length = 0;
    deltas.add('a', { messageId: 'm1', kind, offset: 0 });
    say('m2', 'whole');
    deltas.flush('a');
    deltas.flush('a');
    expect(sent).toEqual([
      { messageId: 'm1', kind, offset: 0, text: 'half' },
      { messageId: 'm1', kind, offset: 0, text: '' },
      { messageId: 'm2', kind, offset: 0, text: 'whole' },
    ]);
  });

  it('says nothing of a dropped text that the mesh never heard', () => {
    const { deltas, live, sent, say } = stream();
    say('m1', 'half');
    live.length = 0;
    deltas.add('a', { messageId: 'm1', kind, offset: 0 });
    deltas.flush('a');
    expect(sent).toEqual([]);
  });

  it('takes back what an earlier process had begun to say, and not what it has said or what a tool put out', () => {
    const { deltas, sent } = stream({
      told: [
        { messageId: 'begun', kind, offset: 4 },
        { messageId: 'begun', kind: 'assistant_thinking', offset: 9 },
        { messageId: 'said', kind, offset: 4 },
        { messageId: 'taken_back', kind, offset: 0 },
        { messageId: 'call', kind: 'tool_output', offset: 4 },
      ],
      said: ['said'],
    });
    deltas.flush('a');
    expect(sent).toEqual([
      { messageId: 'begun', kind, offset: 0, text: '' },
      { messageId: 'begun', kind: 'assistant_thinking', offset: 0, text: '' },
    ]);
  });

  it('keeps no position of a text that has been said', () => {
    const { deltas, live, sent, say } = stream();
    say('m1', 'whole');
    deltas.flush('a');
    live.length = 0;
    deltas.committed('a');
    // A position that was kept would have this taken for words that are taken back.
    deltas.add('a', { messageId: 'm1', kind, offset: 0 });
    deltas.flush('a');
    expect(sent).toHaveLength(1);
  });
});
