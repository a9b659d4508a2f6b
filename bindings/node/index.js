'use strict';

const { Engine } = require('./lib/engine.js');
const { MartletError } = require('./lib/error.js');
const { codes, version } = require('./lib/native.js');
const { sign, verify } = require('./lib/signatures.js');

module.exports = { Engine, MartletError, codes, sign, verify, version };
