#!/usr/bin/env bash
# Puts the self-contained library into bundled/, for programs that are built with `-tags martlet_bundled`.
#
# Takes it from the folder that MARTLET_PREFIX names; without it, it is built, which needs the Swift toolchain.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
bundled=$here/bundled

if [ -z "${MARTLET_PREFIX:-}" ]; then
    exec bash "$here/../c/install.sh" --prefix "$bundled"
fi
mkdir -p "$bundled/lib" "$bundled/include"
cp -a "$MARTLET_PREFIX"/lib/libmartlet.so* "$bundled/lib/"
cp "$MARTLET_PREFIX/include/martlet.h" "$bundled/include/"
