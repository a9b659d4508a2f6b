/**
 * Martlet in Node: register webhooks, push events; they are matched, signed (Standard Webhooks), delivered over HTTP,
 * retried and reported, inside this process.
 *
 * Documents are plain objects with the keys of the configuration reference. Where a document is taken, JSON text (a
 * string or bytes) is taken too. The library checks them and names what is wrong: nothing is decided here.
 *
 * Calls that may go to the disk are promises and run on libuv's pool. `push` and what only reads memory return at once.
 * Calls of which one has to see the result of another must be awaited one after the other.
 *
 * An engine belongs to the thread that opened it; each worker opens its own.
 */

/** JSON text that is ready: a string, or its UTF-8 bytes in a Buffer, Uint8Array, other view or ArrayBuffer. */
export type Text = string | ArrayBufferView | ArrayBufferLike;

/** The version of the loaded library, such as "0.1.0". */
export const version: string;

/** The status codes of the loaded library by name. */
export const codes: Readonly<Record<string, number>>;

/** What calls throw, or reject with, when Martlet refuses them. Decide on `code`, show `message`. */
export class MartletError extends Error {
  private constructor();
  /** The name of the status, such as "QUEUE_FULL". A later library may have more names than are known here. */
  readonly code: ErrorCode | (string & {});
  /** Its number, below zero. */
  readonly number: number;
  /** Of a `pushMany`: how many events were accepted before the one that was refused. */
  readonly accepted?: number;
  /** Of a `pushMany`: how many of those before it were duplicates. */
  readonly duplicates?: number;
}

export type ErrorCode =
  | 'INVALID_ARGUMENT'
  | 'INVALID_JSON'
  | 'INVALID_DOCUMENT'
  | 'NOT_FOUND'
  | 'UNKNOWN_EVENT_TYPE'
  /** The queue holds as many events or bytes as configured: push again when outcomes have come. */
  | 'QUEUE_FULL'
  | 'TOO_LARGE'
  | 'ADDRESS_REFUSED'
  /** The time given was over before the work was. */
  | 'TIMED_OUT'
  /** The engine is closed. */
  | 'CLOSED'
  | 'FORKED'
  | 'WRONG_STATE'
  | 'OUT_OF_RESOURCES'
  | 'VERIFICATION_FAILED'
  | 'INTERNAL'
  | 'STORAGE_FULL'
  | 'STORAGE'
  | 'IN_USE';

/**
 * A webhook sender: its own threads, queue and webhooks.
 *
 * `close` it, or write `await using engine = new Engine(...)` where your Node has that, to let accepted events finish.
 * An engine keeps no process alive: with one that is forgotten the process ends as without it, and what was pending is
 * lost unless the engine is durable. One that nothing refers to any more is freed by the garbage collector.
 */
export class Engine {
  /**
   * Opens an engine and starts its threads. With a data directory it reads that first, which may take a while; `open`
   * does the same without holding up this thread.
   */
  constructor(configuration?: EngineConfiguration | Text | null);

  /** Opens an engine on libuv's pool. */
  static open(configuration?: EngineConfiguration | Text | null): Promise<Engine>;

  readonly webhooks: Webhooks;

  /**
   * Pushes one event: checks it, matches it and queues a delivery for each webhook that wants it. No network work, no
   * waiting.
   *
   * @param type an event type such as "call.completed"
   * @param data what happened: a string or bytes are JSON text that is ready, and reach receivers untouched; anything
   *   else goes through `JSON.stringify`
   * @param more a tag, that is a number of yours that comes back with the outcomes (beyond `Number.MAX_SAFE_INTEGER` as
   *   a BigInt); or fields of the event, a tag among them, which is slower
   * @returns the event's id, your own or "evt_…"; the same for a duplicate
   * @throws QUEUE_FULL, UNKNOWN_EVENT_TYPE, INVALID_JSON, TOO_LARGE, CLOSED; INVALID_DOCUMENT for a field
   */
  push(type: string, data: unknown, more?: number | bigint | EventFields): string;

  /** The same on libuv's pool, for engines whose every push waits for the disk. */
  pushAsync(type: string, data: unknown, more?: number | bigint | EventFields): Promise<string>;

  /**
   * Pushes whole events, with ids, keys, headers and tenants of their own, in one crossing into the library.
   *
   * @param events an array or other iterable of events, each an object or JSON text of one line; or JSON text with one event a line
   * @throws as `push`, and INVALID_DOCUMENT; the message names the line, counted from 1. What stood before it is
   *   accepted: `error.accepted` and `error.duplicates` tell how much. Go on behind it.
   */
  pushMany(events: Iterable<EventDocument | Text> | Text): PushCounts;

  /** The same on libuv's pool. Bytes may be used again at once. */
  pushManyAsync(events: Iterable<EventDocument | Text> | Text): Promise<PushCounts>;

  /**
   * Outcomes as they come, for `for await`. None is dropped: those that nobody takes wait, and count against the queue.
   * Several iterators of an engine get different ones. It ends when the engine is closed and all were taken. Those that
   * come within a millisecond of others are gathered for one, which costs far less than a wake for each.
   *
   * @throws WRONG_STATE where the configuration does not ask for outcomes
   */
  outcomes(options?: OutcomesOptions): AsyncIterableIterator<Outcome>;

  /** Adds an event type while the engine runs. */
  addEventType(type: EventType | Text): Promise<void>;

  /** The event types that can be pushed. */
  eventTypes(): EventTypeEntry[];

  /** Deliveries with their attempts, the newest first, page after page; `limit` is the size of a page. */
  deliveries(query?: DeliveryQuery | Text | null): AsyncGenerator<Delivery, void, undefined>;

  /** One page of deliveries. Its cursor, where it is not null, asks for the next. */
  deliveriesPage(query?: DeliveryQuery | Text | null): Promise<{ deliveries: Delivery[]; cursor: string | null }>;

  /** One delivery, with the body of its request where that is still kept. */
  delivery(id: string): Promise<Delivery & { payload: string | null; eventHeaders: Record<string, string> | null }>;

  /** Sends the event of a settled delivery once more. Gives the new delivery's id. */
  redeliver(id: string): Promise<string>;

  /** Redelivers all settled deliveries that match, by default those that failed, spread over time. */
  replay(query?: ReplayQuery | Text | null): Promise<{ replayed: number; skipped: number; durationSeconds: number }>;

  /** Cancels a delivery that is not settled. */
  cancel(id: string): Promise<void>;

  /** Cancels all deliveries that match and are not settled. Gives how many. */
  cancelAll(query?: DeliveryFilter | Text | null): Promise<number>;

  /**
   * Who hears Martlet's own messages; null for nobody, which is how an engine starts. It runs on this thread, out of the
   * event loop, and keeps no process alive. When the program is too slow for them, the newest 1024 are kept.
   *
   * @param level messages less urgent than this are not made, by default "info"
   */
  onLog(listener: ((message: LogMessage) => void) | null, level?: LogLevel): void;

  /** Counters and gauges. */
  stats(): Stats;

  /** The metrics in the Prometheus text format, version 0.0.4. */
  metrics(): string;

  /**
   * Waits until every accepted event is settled.
   *
   * @param timeoutMs the longest wait in milliseconds; `Infinity` is possible
   * @throws TIMED_OUT when work is left, which goes on
   */
  flush(timeoutMs: number): Promise<void>;

  /**
   * Closes the engine: refuses new events at once, gives accepted ones some time, then ends. Closing again waits for
   * the same end. Outcomes, deliveries and numbers can still be read.
   *
   * @param timeoutMs how long accepted events may go on, in milliseconds, by default 10 seconds
   * @throws TIMED_OUT when time was over before the work; the engine is closed all the same
   */
  close(timeoutMs?: number): Promise<void>;

  /** Frees the engine at once, without time for its events; `using` does it too. Calls then give CLOSED. */
  free(): void;

  /** Closes the engine as `close()` does. There where Node has the symbol, 18.18 and later. */
  [Symbol.asyncDispose](): Promise<void>;
  [Symbol.dispose](): void;
}

export type LogLevel = 'error' | 'warning' | 'info' | 'debug';

export interface LogMessage {
  level: LogLevel;
  time: Date;
  /** One line. */
  text: string;
}

declare global {
  // For compilers whose libraries do not have them yet.
  interface SymbolConstructor {
    readonly dispose: unique symbol;
    readonly asyncDispose: unique symbol;
  }
}

/** `engine.webhooks`. Iterating over it gives all of them. */
export interface Webhooks {
  /** Registers a webhook. Events pushed after the promise is fulfilled see it. Its secret is made here unless given. */
  create(webhook: Webhook | Text): Promise<StoredWebhook>;
  /** Changes the keys given; null puts a default back. */
  update(id: string, change: WebhookChange | Text): Promise<StoredWebhook>;
  /** Says what create would say, or update where there is an id: rejects as that would, and changes nothing. */
  check(webhook: Webhook | WebhookChange | Text, id?: string): Promise<void>;
  get(id: string): Promise<StoredWebhook>;
  /** All webhooks in the order of their creation, page after page; `limit` is the size of a page. */
  list(query?: WebhookQuery | Text | null): AsyncGenerator<StoredWebhook, void, undefined>;
  /** One page. Its cursor, where it is not null, asks for the next. */
  listPage(query?: WebhookQuery | Text | null): Promise<{ webhooks: StoredWebhook[]; cursor: string | null }>;
  [Symbol.asyncIterator](): AsyncGenerator<StoredWebhook, void, undefined>;
  /** Deletes a webhook and cancels what is not settled of it. */
  delete(id: string): Promise<void>;
  enable(id: string): Promise<void>;
  /** New events pass it by, and what is pending waits until it is enabled again. */
  disable(id: string): Promise<void>;
  /** The signing secrets that are live, the current one first. Keep them out of logs. */
  secrets(id: string): Promise<Secret[]>;
  /** Makes a new secret the current one; the former ones go on signing for `overlapSeconds`, by default a day. */
  rotateSecret(id: string, options?: { secret?: string; overlapSeconds?: number } | Text | null): Promise<Secret[]>;
  /** Sends a test now, with the catalog's sample where there is no `data`. */
  test(
    id: string,
    request: { eventType: string; data?: unknown } | Text,
  ): Promise<{ eventId: string; deliveryId: string }>;
}

/**
 * For a receiver: what a request carried, as `request.headers` has it; or a `Headers`.
 */
export type HeadersIn =
  | { readonly [name: string]: string | string[] | undefined }
  | { get(name: string): string | null };

/**
 * Verifies a request (Standard Webhooks 1.0.0). Needs no engine.
 *
 * @param secrets one secret, "whsec_…", or several, as while one is being rotated
 * @param body the body as it was received, before anything has parsed it
 * @param options `toleranceSeconds`: how far the time may be from the clock, by default 300; `now`: the clock in unix
 *   seconds
 * @throws VERIFICATION_FAILED: answer with 400 or 401 and believe nothing of the request; INVALID_ARGUMENT where a
 *   secret cannot be read
 */
export function verify(
  secrets: string | readonly string[],
  headers: HeadersIn,
  body: Text,
  options?: { toleranceSeconds?: number; now?: number },
): void;

/** Signs a request as Martlet does, for tests of receivers. `timestamp` is in unix seconds. Gives "v1,…". */
export function sign(secrets: string | readonly string[], id: string, timestamp: number, body: Text): string;

export interface OutcomesOptions {
  /** Ends the wait: `next()` rejects with the signal's reason. */
  signal?: AbortSignalLike | undefined;
  /** Whether a wait for an outcome keeps the process alive, by default true. */
  ref?: boolean;
}

/** What is used of an AbortSignal. */
export interface AbortSignalLike {
  readonly aborted: boolean;
  readonly reason: any;
  throwIfAborted(): void;
  addEventListener(type: 'abort', listener: () => void, options?: { once?: boolean }): void;
  removeEventListener(type: 'abort', listener: () => void): void;
}

/**
 * What became of a delivery or an event. Texts that do not apply are empty, numbers 0; "unknown" is of a later library.
 */
export interface Outcome {
  kind: 'delivery' | 'event' | 'webhookDisabled' | 'unknown';
  state: 'succeeded' | 'failed' | 'expired' | 'canceled' | 'unknown';
  /** Why the last attempt failed. */
  failure:
    | 'none'
    | 'dns'
    | 'addressRefused'
    | 'connect'
    | 'tls'
    | 'certificate'
    | 'timeout'
    | 'connectionLost'
    | 'badResponse'
    | 'httpStatus'
    | 'local'
    | 'circuitOpen'
    | 'backlogFull'
    | 'unknown';
  /** The number given at the push; a BigInt only beyond `Number.MAX_SAFE_INTEGER`. */
  tag: number | bigint;
  settledAt: Date;
  attempts: number;
  /** The last HTTP status; 0 where there was no answer. */
  httpStatus: number;
  /** Of an event: how many deliveries it had. */
  deliveries: number;
  /** Of an event: how many of them succeeded. */
  succeeded: number;
  eventId: string;
  deliveryId: string;
  webhookId: string;
  /** Of a notice that a webhook was disabled: since when it has been failing. */
  failingSince: Date | null;
  /** Of a notice that a webhook was disabled: why. */
  reason: 'none' | 'gone' | 'receiverAsked' | 'failing' | 'unknown';
}

export interface PushCounts {
  accepted: number;
  /** Events whose own id was accepted before: they deliver nothing again. */
  duplicates: number;
}

/** Null stands for the default. */
type Nullable<T> = { [K in keyof T]?: T[K] | null };

/** How requests of a webhook are made; in the engine's configuration the default for all. */
export type DeliveryPolicy = Nullable<{
  timeoutMs: number;
  connectTimeoutMs: number;
  expirySeconds: number;
  adaptiveConcurrency: boolean;
  rateLimit: Nullable<{ perSecond: number; burst: number }>;
  retry: Nullable<{
    delaysSeconds: readonly number[];
    jitter: number;
    retryOn: readonly ('timeout' | 'connection' | 'requestTimeout' | 'tooManyRequests' | 'serverError')[];
    retryAfterCapSeconds: number;
  }>;
  ordering: 'none' | 'key' | 'strict';
  breaker: Nullable<{ failures: number; afterSeconds: number; openSeconds: number; maxOpenSeconds: number }>;
  disableAfterSeconds: number;
  payloadFormat: 'subverse' | 'standard' | 'raw';
}>;

/** The keys, their ranges and defaults stand in the configuration reference. */
export type EngineConfiguration = DeliveryPolicy &
  Nullable<{
    environment: 'production' | 'development';
    allowedNetworks: readonly string[];
    caFile: string;
    lanes: number;
    maxInFlight: number;
    queue: Nullable<{ maxEvents: number; maxBytes: number }>;
    maxEventBytes: number;
    jsonDepth: number;
    maxInFlightPerWebhook: number;
    maxPendingPerWebhook: number;
    eventTypes: readonly (string | EventType)[];
    userAgent: string;
    outcomes: 'off' | 'events' | 'deliveries' | 'all';
    responseBodyBytes: number;
    logRetention: Nullable<{ attempts: number; days: number; payloadBytes: number }>;
    deduplication: Nullable<{ windowSeconds: number; maxIds: number }>;
    /** Where a durable engine keeps its state. */
    dataDirectory: string;
    sync: 'always' | 'interval' | 'os';
    syncIntervalMs: number;
    journal: { maxBytes?: number; segmentBytes?: number };
  }>;

/** What an update takes. */
export type WebhookChange = DeliveryPolicy &
  Nullable<{
    url: string;
    events: readonly string[];
    agents: readonly string[];
    workflows: readonly string[];
    filter: { [field: string]: unknown };
    headers: { [name: string]: string };
    clientCertificateFile: string;
    clientKeyFile: string;
    enabled: boolean;
    description: string;
    metadata: { [name: string]: string };
    maxInFlight: number;
    maxPending: number;
  }>;

/** What a new webhook takes. */
export type Webhook = WebhookChange & {
  url: string;
  events: readonly string[];
  tenant?: string | null;
  secret?: string | null;
};

/** A webhook as it is stored. Keys of the delivery policy are there where the webhook sets them. Times are RFC 3339. */
export type StoredWebhook = DeliveryPolicy & {
  id: string;
  url: string;
  events: string[];
  tenant: string;
  agents: string[] | null;
  workflows: string[] | null;
  filter: { [field: string]: unknown } | null;
  /** Where a list was asked for it. */
  health?: WebhookHealth;
  headers: { [name: string]: string };
  clientCertificateFile: string | null;
  clientKeyFile: string | null;
  enabled: boolean;
  description: string;
  metadata: { [name: string]: string };
  maxInFlight?: number | null;
  maxPending?: number | null;
  disabled: { reason: string; at: string; since: string | null } | null;
  createdAt: string;
  updatedAt: string;
};

/** One event as a document, for `pushMany`. The tag is a whole number, or the same as a string of decimal digits. */
export interface EventDocument extends Omit<EventFields, 'tag'> {
  eventType: string;
  data: unknown;
  tag?: number | string | null;
}

/** What an event can have beside its type and data. */
export interface EventFields {
  /** Your own id, sent as `webhook-id`; pushed again within the deduplication's window it is a duplicate. */
  id?: string | null;
  /** RFC 3339, by default now. */
  createdAt?: string | null;
  tag?: number | bigint | null;
  tenant?: string | null;
  key?: string | null;
  expirySeconds?: number | null;
  headers?: { [name: string]: string } | null;
}

export interface EventType {
  name: string;
  title?: string | null;
  description?: string | null;
  /** An example of `data`, which tests send. */
  sample?: unknown;
}

export interface EventTypeEntry {
  eventType: string;
  title: string;
  category: string;
  description: string;
  sample: any;
}

export interface Secret {
  secret: string;
  createdAt: string;
  /** Null for the current one. */
  expiresAt: string | null;
}

export interface PageQuery {
  limit?: number | null;
  cursor?: string | null;
}

export interface WebhookQuery extends PageQuery {
  /** Only the webhook with this id. */
  id?: string | null;
  tenant?: string | null;
  /** Each webhook also has `health`. */
  health?: boolean | null;
}

/** How a webhook's receiver does now. */
export interface WebhookHealth {
  breaker: 'closed' | 'open' | 'halfOpen' | 'ramp';
  pending: number;
  inFlight: number;
  failingSince: string | null;
  pausedUntil: string | null;
}

export interface DeliveryFilter {
  state?: 'any' | 'pending' | 'inFlight' | 'undelivered' | 'succeeded' | 'failed' | 'expired' | 'canceled' | null;
  webhookId?: string | null;
  eventId?: string | null;
  eventType?: string | null;
  /** RFC 3339: at this time or later. */
  createdAfter?: string | null;
  createdBefore?: string | null;
}

export interface DeliveryQuery extends DeliveryFilter, PageQuery {}

export interface ReplayQuery extends DeliveryFilter {
  /** Deliveries a second to each webhook. */
  perSecond?: number | null;
}

/** One event to one webhook. Times are RFC 3339. */
export interface Delivery {
  id: string;
  eventId: string;
  eventType: string;
  webhookId: string;
  tenant: string;
  /** Not exact beyond `Number.MAX_SAFE_INTEGER`; that of an outcome is. */
  tag: number;
  state: 'pending' | 'inFlight' | 'succeeded' | 'failed' | 'expired' | 'canceled';
  test: boolean;
  redeliveryOf: string | null;
  createdAt: string;
  settledAt: string | null;
  nextAttemptAt: string | null;
  attemptCount: number;
  attempts: Attempt[];
}

export interface Attempt {
  number: number;
  startedAt: string;
  durationMs: number;
  /** The HTTP status, null where there was no answer. */
  status: number | null;
  /** Why it failed, such as "connection_lost"; null where it succeeded. */
  errorClass: string | null;
  error: string | null;
  /** The beginning of what the receiver answered. */
  response: string | null;
}

/** Counters since the engine was opened, and gauges. There are more than are named here. */
export interface Stats {
  version: string;
  state: string;
  uptimeMs: number;
  webhooks: number;
  queue: { events: number; bytes: number; maxEvents: number; maxBytes: number };
  events: { accepted: number; unmatched: number; refused: number; duplicates: number; unsettled: number };
  deliveries: {
    pending: number;
    inFlight: number;
    succeeded: number;
    failed: number;
    expired: number;
    canceled: number;
    attempts: number;
    retries: number;
    [key: string]: any;
  };
  outcomesWaiting: number;
  /** Of an engine with a data directory; `recovery` is what opening found there. */
  journal?: {
    segments: number;
    bytesOnDisk: number;
    liveBytes: number;
    maxBytes: number;
    roomBytes: number;
    syncFailures: number;
    lastSyncAt: string | null;
    recovery: {
      events: number;
      deliveries: number;
      webhooks: number;
      outcomes: number;
      records: number;
      truncatedBytes: number;
      quarantined: number;
      quarantinedBytes: number;
      lostRecords: number;
      unreadableRecords: number;
      milliseconds: number;
    };
    [key: string]: any;
  };
  [key: string]: any;
}
