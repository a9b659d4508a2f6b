'use strict';

// Answers 429 with Retry-After to a sender of too many requests. The options are those of the package
// express-rate-limit, which does more and can take its place: rateLimit({ windowMs, max }).

const MOST_SENDERS = 10_000;

function rateLimit({ windowMs, max }) {
  const senders = new Map(); // address -> { count, end }, the oldest window first

  return (req, res, next) => {
    const now = Date.now();
    for (const [address, { end }] of senders) {
      // Bounded, whatever addresses there are: beyond that the oldest is forgotten early.
      if (end > now && senders.size < MOST_SENDERS) break;
      senders.delete(address);
    }
    let sender = senders.get(req.ip);
    if (!sender) senders.set(req.ip, (sender = { count: 0, end: now + windowMs }));
    sender.count += 1;
    if (sender.count <= max) return next();
    // Rounded up: whoever comes back then finds a new window.
    res.set('Retry-After', String(Math.max(1, Math.ceil((sender.end - now) / 1000))));
    res.status(429).json({ error: 'too many requests' });
  };
}

module.exports = { rateLimit };
