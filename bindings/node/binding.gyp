# Built by scripts/build.js, which finds the installed library and hands over its folder as martlet_prefix.
{
  "variables": { "martlet_prefix%": "/usr/local" },
  "targets": [{
    "target_name": "martlet",
    "sources": [
      "src/addon.c", "src/calls.c", "src/engine.c", "src/push.c", "src/signatures.c", "src/values.c", "src/waits.c",
      "src/watch.c"
    ],
    "include_dirs": ["<(martlet_prefix)/include"],
    "defines": ["NAPI_VERSION=8"],
    "cflags": ["-std=c11", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-fvisibility=hidden"],
    "libraries": ["<(martlet_prefix)/lib/libmartlet.so"],
    "ldflags": [
      # The library lies beside the addon.
      "-Wl,-rpath,'$$ORIGIN'",
      # What the addon does not use itself, the C++ runtime of node-gyp's linker among it, is left out.
      "-Wl,--as-needed",
      # Names are looked up when they are called: with an older library the version check comes first and says so.
      "-Wl,-z,lazy",
      # A worker that ends closes its addons; a thread of waits.c may still return into this code.
      "-Wl,-z,nodelete"
    ]
  }]
}
