import type {
  LanguageModelV3CallOptions,
  LanguageModelV3FunctionTool,
  LanguageModelV3Prompt,
} from '@ai-sdk/provider';
import type { AssistantPart } from '../protocol/content.ts';
import type { Usage } from '../protocol/usage.ts';

/** One call of a model: what goes in. */
export interface StepRequest {
  /** `provider/model`, an alias, or a bare name for the mesh's model proxy. */
  model: string;
  prompt: LanguageModelV3Prompt;
  tools: LanguageModelV3FunctionTool[];
  sampling: Pick<
    LanguageModelV3CallOptions,
    'maxOutputTokens' | 'temperature' | 'topP' | 'topK' | 'presencePenalty' | 'frequencyPenalty'
  >;
  signal: AbortSignal;
}

/**
 * What is heard while a step streams. Offsets are UTF-16 code units from the start of the step's text; a repeated
 * call after a failure says nothing twice: it goes on where the words differ, or at the end.
 */
export interface StepListener {
  onText(offset: number, text: string): void;
  onThinking(offset: number, text: string): void;
  /** A try failed and another follows after `delayMs`. */
  onRetry(retry: { attempt: number; delayMs: number; code: string; message: string }): void;
}

/** What came out, whole. */
export interface StepResult {
  content: AssistantPart[];
  /** The text parts joined: what the deltas add up to. */
  text: string;
  toolCalls: StepToolCall[];
  /** `stop`, `length`, `tool-calls`, `content-filter`, `error` or `other`. */
  finishReason: string;
  usage: Usage;
}

export interface StepToolCall {
  callId: string;
  name: string;
  /** As the model wrote them. */
  arguments: string;
  providerMetadata?: AssistantPart['providerMetadata'];
}

/** Models as a run sees them. Throws `RunmeshError` with `model_not_found` or `model_error`. */
export interface Models {
  step(request: StepRequest, listener: StepListener): Promise<StepResult>;
}
