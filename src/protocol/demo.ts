/**
 * The bare name of the platform model that plays the demo's story without a provider's key. A mesh offers it through
 * its model proxy like any other model, so that the demo takes the way of a real run.
 */
export const DEMO_MODEL = 'runmesh-demo';
