/** What a model is told of a call that was not allowed. */
export const REFUSED =
  'The owner of this computer refused this call, and nothing was run. Do not try the same another way; go on without it, or say what you would need.';
export const TIMED_OUT =
  'The owner of this computer was asked and did not answer in time, which is a no. Nothing was run; go on without it, or say what you would need.';
export const NAMES_TOO_MUCH =
  'The call names more files or folders (by its patterns, or where it changes folders) than an answer can be bound to. Nothing was run; name what it needs, or take it apart into steps.';
export const HOLDS_SECRET =
  'The call holds what is, or looks like, a secret, which is shown to nobody, so its owner could not see what it does. Nothing was run; have the command read the secret from a file or a variable that it may use, or leave it out.';
export const CHANGED =
  'What the owner was asked about changed while they were asked (the folder, or a file that the call names), so the answer does not hold. Nothing was run; ask again if it is still needed.';
