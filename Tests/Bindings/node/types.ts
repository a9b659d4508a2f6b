// Checked by the compiler and never run: what programs write is accepted, and mistakes are found.
import { codes, Engine, EventDocument, MartletError, Outcome, sign, StoredWebhook, verify, version } from 'martlet';

declare const signal: import('martlet').AbortSignalLike;
declare function use(...values: unknown[]): void;

export async function program(): Promise<void> {
  const engine = new Engine({ environment: 'development', queue: { maxEvents: 10 }, retry: { delaysSeconds: [1, 5] } });
  use(new Engine(), new Engine(null), new Engine('{}'), new Engine(new Uint8Array()));
  use((await Engine.open({ lanes: null, outcomes: 'all' })).stats().queue.events);

  const events = ['*'] as const;
  const webhook: StoredWebhook = await engine.webhooks.create({ url: 'https://x', events, headers: { a: 'b' } });
  await engine.webhooks.update(webhook.id, { timeoutMs: null, filter: { 'a.b': { $gte: 1 } } });
  for await (const { id, disabled } of engine.webhooks.list({ limit: 5 })) use(id.length, disabled?.reason);
  for await (const { url } of engine.webhooks) use(url.length);
  use((await engine.webhooks.rotateSecret(webhook.id, { overlapSeconds: 1 }))[0]?.secret.length);
  use((await engine.webhooks.test(webhook.id, { eventType: 'a.b' })).deliveryId.length);

  const id: string = engine.push('call.completed', { any: 'thing' });
  engine.push('call.completed', '{}', 7);
  engine.push('call.completed', new Uint8Array(), 7n);
  engine.push('call.completed', {}, { id: 'mine', key: 'k', tag: 7n, headers: { a: 'b' } });
  use((await engine.pushAsync('call.completed', {}, 7)).length);
  const documents: EventDocument[] = [{ eventType: 'a.b', data: 1, id, tag: '18446744073709551615' }];
  const { accepted, duplicates } = engine.pushMany(documents);
  use(accepted + duplicates, engine.pushMany('{}'), engine.pushMany(['{}', new Uint8Array()]));
  use((await engine.pushManyAsync(documents)).accepted);

  for await (const outcome of engine.outcomes({ signal, ref: false })) {
    const taken: Outcome = outcome;
    if (taken.kind === 'delivery' && taken.failure === 'timeout') use(taken.settledAt.getTime());
  }
  for await (const delivery of engine.deliveries({ state: 'failed', webhookId: webhook.id })) {
    use(delivery.attempts[0]?.status, (await engine.delivery(delivery.id)).payload?.length);
    use((await engine.redeliver(delivery.id)).length);
  }
  use((await engine.replay({ perSecond: 5 })).replayed, (await engine.cancelAll()) + 1, engine.metrics().length);
  try {
    await engine.flush(Infinity);
  } catch (error) {
    if (!(error instanceof MartletError)) throw error;
    if (error.code === 'TIMED_OUT' || error.code === 'OF_A_LATER_LIBRARY') use(error.number, error.accepted);
  }
  engine.onLog(({ level, time, text }) => use(level === 'warning', time.getTime(), text.length), 'debug');
  engine.onLog(null);
  use(engine.stats().journal?.recovery.deliveries);
  await engine.close();
  await engine.close(500);
  await engine[Symbol.asyncDispose]();
  engine[Symbol.dispose]();

  const headers: { [name: string]: string | string[] | undefined } = {};
  verify('whsec_x', headers, 'body');
  verify(['whsec_x', 'whsec_y'], { get: (name: string) => name }, new Uint8Array(), { toleranceSeconds: 5, now: 1 });
  use(sign('whsec_x', 'evt_1', 1, '{}').length, version.length, codes.QUEUE_FULL);
}

export function mistakes(engine: Engine): void {
  // @ts-expect-error a key that there is not
  use(new Engine({ enviroment: 'development' }));
  // @ts-expect-error a value that is not accepted
  use(new Engine({ outcomes: 'some' }));
  // @ts-expect-error a key inside of another
  use(new Engine({ queue: { maxEvent: 1 } }));
  // @ts-expect-error a webhook without events
  void engine.webhooks.create({ url: 'https://x' });
  // @ts-expect-error a tag that is no number
  engine.push('call.completed', {}, 'x');
  // @ts-expect-error a field that there is not
  engine.push('call.completed', {}, { idd: 'x' });
  // @ts-expect-error a time is needed
  void engine.flush();
  // @ts-expect-error a level that there is not
  engine.onLog(() => {}, 'loud');
  // @ts-expect-error a state that there is not
  void engine.deliveriesPage({ state: 'done' });
  // @ts-expect-error the body as it was parsed
  verify('whsec_x', {}, { parsed: true });
  // @ts-expect-error errors are made by the library
  use(new MartletError());
}
