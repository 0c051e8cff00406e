/**
 * Every number both ends of `runmesh.v1` must agree on, with its unit in its name. The specification (README.md) has
 * the same table, and `test/protocol-doc.test.ts` holds the two together.
 */
export const LIMITS = {
  /** TCP, TLS and the upgrade together. */
  dialMs: 10_000,
  /** Each of `challenge` after open, `hello` after challenge, `welcome` after hello. */
  handshakeFrameMs: 5_000,
  /** A socket that has not authenticated is cut after this long, whatever it sends. */
  preAuthLifeMs: 10_000,
  preAuthFrameBytes: 65_536,
  preAuthSocketsPerAddress: 20,
  preAuthSockets: 200,
  maxFrameBytes: 1_048_576,
  maxFragments: 64,
  maxBufferedChunks: 1_024,
  maxJsonDepth: 64,
  maxJsonKeys: 10_000,
  pingsPerHeartbeat: 100,
  heartbeatMs: 15_000,
  heartbeatMinMs: 5_000,
  heartbeatMaxMs: 60_000,
  /** Added to two heartbeats: silence for longer is death. */
  silenceGraceMs: 5_000,
  backoffBaseMs: 500,
  backoffMaxMs: 60_000,
  /** A link that stayed welcomed this long has the backoff start again at zero. */
  stableLinkMs: 30_000,
  /** Spread added to `retryAfterMs` of a drain. */
  drainSpreadMs: 5_000,
  replacedWaitMinMs: 30_000,
  replacedWaitMaxMs: 60_000,
  replacedWithinMs: 300_000,
  replacedTimes: 3,
  /** A clock tick that comes this late means the machine slept. */
  wakeGapMs: 15_000,
  wakeTickMs: 5_000,
  wakeProbeMs: 5_000,
  windowBytes: 1_048_576,
  windowEvents: 512,
  runWindowBytes: 262_144,
  ackEvents: 64,
  ackMs: 100,
  deltaCoalesceMs: 25,
  pendingDeltaBytes: 262_144,
  dispatchRetryMs: 10_000,
  deviceUnreachableMs: 45_000,
  sseCommentMs: 15_000,
  sseRetryMs: 2_000,
  /** What one SSE caller may leave unread before it is cut; it comes back with `Last-Event-ID`. */
  sseBufferBytes: 4_194_304,
  requestBodyBytes: 10_485_760,
  /** Of the events of one answer; a single larger one comes alone. */
  answerBytes: 8_388_608,
  /** A long conversation that goes through the model proxy has ten thousands of them. */
  requestJsonKeys: 200_000,
  /** Of an order that a device fetches: its history, with the images in it. */
  orderBytes: 33_554_432,
  orderJsonKeys: 1_000_000,
  orderFetchMs: 60_000,
  /** Of a run and a kind, which its device has not answered: what is beyond is refused. */
  pendingOrders: 32,
  /** Of one API key; an address may make three times as many. */
  callsPerMinute: 30_000,
  idempotencyMs: 86_400_000,
  linkCodeMs: 600_000,
  linkPollMs: 2_000,
  threadsPerPage: 100,
  eventsPerPage: 500,
  runsPerPage: 500,
  defaultDeadlineMs: 86_400_000,
  maxTurns: 1_000,
  defaultMaxTurns: 100,
} as const;
