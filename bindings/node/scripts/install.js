'use strict';

// Runs when the package is installed: does nothing where the package brings the addon for this machine, else builds it.

try {
  require('../lib/native.js');
} catch (error) {
  console.log(`${error.message}; building it`);
  require('./build.js');
}
