import { type OpenedModel, openProviderModel, type ProviderAccess, settingsOf } from './providers.ts';

/**
 * Opens each model once for as long as its endpoint and key stay what they are: a provider's package builds its schemas
 * anew for each model it opens, which takes longer than all else we do in a call.
 */
export function keepModels(access: ProviderAccess): (provider: string, name: string) => Promise<OpenedModel> {
  const kept = new Map<string, { settings: string; opened: Promise<OpenedModel> }>();
  return async (provider, name) => {
    const key = `${provider}/${name}`;
    const settings = JSON.stringify(settingsOf(provider, access));
    const known = kept.get(key);
    if (known !== undefined && known.settings === settings) return known.opened;
    const opened = openProviderModel(provider, name, access);
    kept.set(key, { settings, opened });
    opened.catch(() => kept.delete(key));
    return opened;
  };
}
