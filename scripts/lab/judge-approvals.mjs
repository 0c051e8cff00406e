/**
 * Holds a run's questions against what its owner said (`said`, by the question's id) and what its commands wrote: each call
 * asks once, each question has one answer, which is the owner's own, and what was refused did not run. `mayExpire`: a clock
 * was moved, so a question may have come to its end. Answers what is wrong, and how many questions there were.
 */
export function judgeApprovals({ events, said, lines = [], mayExpire }) {
  const wrong = [];
  const of = (type) =>
    events.filter((event) => event.type === type).map(({ payload }) => JSON.parse(payload));
  const [asked, resolved, results] = [of('approval_requested'), of('approval_resolved'), of('tool_result')];
  if (new Set(asked.map(({ callId }) => callId)).size !== asked.length)
    wrong.push('a call was asked about twice');
  for (const { approvalId, callId } of asked) {
    const answers = resolved.filter((one) => one.approvalId === approvalId);
    const status = results.find((one) => one.callId === callId)?.status;
    const decision = answers[0]?.decision;
    if (answers.length > 1) wrong.push(`${callId} has ${answers.length} answers`);
    if (answers.length === 0 && status !== undefined) wrong.push(`${callId} is ${status} without an answer`);
    if (decision === 'timed_out' ? !mayExpire : decision !== undefined && decision !== said.get(approvalId))
      wrong.push(`${callId} was answered ${decision}, and its owner said ${said.get(approvalId)}`);
    const ran = lines.some((line) => line.call === callId);
    if (ran && decision !== 'once') wrong.push(`${callId} ran, and the answer was ${decision}`);
    if (status === 'denied' && decision === 'once') wrong.push(`${callId} was allowed, and did not run`);
  }
  return { wrong, asked: asked.length };
}
