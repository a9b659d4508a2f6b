# shellcheck shell=bash
# Installs what the tests need. Sourced by Tests/run.sh.

as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n "$@"; fi; }

has_package() { pkg-config --exists "$1" 2>/dev/null; }

has_venv() { python3 -c 'import ensurepip' 2>/dev/null; }

# Whatever of the tools is missing, in one go; fails where some are missing still.
install_tools() {
    if ! command -v swift >/dev/null; then
        echo "the Swift toolchain is missing; see https://www.swift.org/install/linux/"
        return 1
    fi
    local missing=()
    find_missing
    if [ ${#missing[@]} != 0 ]; then
        echo "installing ${missing[*]}"
        as_root apt-get update
        as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "${missing[@]}"
        find_missing
    fi
    [ ${#missing[@]} = 0 ] || { echo "still missing: ${missing[*]}"; return 1; }
}

# Sets `missing` of the caller to the Debian packages of what is not there.
find_missing() {
    missing=()
    local pair
    for pair in gcc:gcc pkg-config:pkg-config readelf:binutils cmake:cmake abidiff:abigail-tools valgrind:valgrind \
        openssl:openssl chromium:chromium python3:python3 go:golang-go node:nodejs g++:g++ make:make tsc:node-typescript; do
        command -v "${pair%%:*}" >/dev/null || missing+=("${pair##*:}")
    done
    PATH=$PATH:/usr/sbin command -v nginx >/dev/null || missing+=(nginx-light)
    [ -e /usr/include/stdio.h ] || missing+=(libc6-dev)
    has_package libcurl || missing+=(libcurl4-openssl-dev)
    has_package jansson || missing+=(libjansson-dev)
    has_package sqlite3 || missing+=(libsqlite3-dev)
    [ -e /usr/include/nlohmann/json.hpp ] || missing+=(nlohmann-json3-dev)
    [ -e /usr/share/javascript/chart.js/chart.min.js ] || missing+=(libjs-chart.js)
    [ -e /usr/share/nodejs/express ] || missing+=(node-express)
    has_venv || missing+=(python3-venv)
}

# install_venv FOLDER REQUIREMENTS: made anew when the requirements have changed.
install_venv() {
    if cmp -s "$2" "$1/requirements.txt"; then return; fi
    python3 -m venv --clear "$1" &&
        "$1/bin/python" -m pip install --disable-pip-version-check -r "$2" &&
        cp "$2" "$1/requirements.txt"
}
