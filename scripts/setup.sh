#!/usr/bin/env bash
# Prepare this machine for vesselflow: Python packages, services, the project itself. Safe to run again at any time.
#
#   PYTHON=python3.12 scripts/setup.sh      use another Python (3.11 or newer)
#   KAFKA_BROKERS=... DATABASE_URL=... REDIS_URL=...    a service that is given by its address is not installed
#   VESSELFLOW_SETUP=python                 Python packages only, no services
set -euo pipefail
cd "$(dirname "$0")/.."

STAMPS=.local/setup
VENV=.venv
missing=()

say() { printf 'setup: %s\n' "$*"; }
fail() { printf 'setup: %s\n' "$*" >&2; exit 2; }

# A step is done when its stamp holds the hash of everything that it was made from.
hash_of() { cat "$@" | sha256sum | cut -d' ' -f1; }
is_done() { [[ -f "$STAMPS/$1" && "$(cat "$STAMPS/$1")" == "$2" ]]; }
mark_done() { mkdir -p "$STAMPS" && printf '%s\n' "$2" >"$STAMPS/$1"; }

is_python() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; }

find_python() {
    local name
    for name in ${PYTHON:-} python3.11 python3.12 python3.13 python3; do
        if is_python "$name"; then command -v "$name"; return; fi
    done
    return 1
}

# --- Debian packages -------------------------------------------------------------------------------------------------

# Debian's packages start what they install, and Postgres' makes a cluster of its own on port 5432. The stack brings its
# own, so both are held back while apt runs, and what was there before is put back.
CLUSTERS=/etc/postgresql-common/createcluster.conf
POLICY=/usr/sbin/policy-rc.d

hold_services_back() {
    mkdir -p "$(dirname $CLUSTERS)"
    if [[ -e $CLUSTERS ]]; then cp -p $CLUSTERS $CLUSTERS.before-setup; fi
    echo 'create_main_cluster = false' >>$CLUSTERS
    held_clusters=yes
    if [[ ! -e $POLICY ]]; then
        held_policy=yes
        printf '#!/bin/sh\nexit 101\n' >$POLICY
        chmod 755 $POLICY
    fi
}

let_services_go() {
    if [[ ${held_clusters:-} == yes ]]; then
        rm -f $CLUSTERS
        # The file of before, else the package's own, which it puts beside a file that it finds.
        if [[ -e $CLUSTERS.before-setup ]]; then
            mv $CLUSTERS.before-setup $CLUSTERS
        elif [[ -e $CLUSTERS.ucf-dist ]]; then
            mv $CLUSTERS.ucf-dist $CLUSTERS
        fi
    fi
    if [[ ${held_policy:-} == yes ]]; then rm -f $POLICY; fi
    held_clusters='' held_policy=''
}

apt_install() {
    local command="apt-get install -y --no-install-recommends $*"
    if ! command -v apt-get >/dev/null; then
        missing+=("no apt-get here; install what these Debian packages hold: $*")
    elif [[ $(id -u) != 0 ]]; then
        missing+=("no right to install; run: sudo apt-get update && sudo $command")
    else
        say "apt-get installs $*"
        trap let_services_go EXIT
        hold_services_back
        if ! (apt-get update -qq && DEBIAN_FRONTEND=noninteractive UCF_FORCE_CONFFOLD=1 $command -qq -o Dpkg::Options::=--force-confold \
            -o Dpkg::Use-Pty=0) >"$STAMPS/apt.log" 2>&1; then
            tail -n 3 "$STAMPS/apt.log" >&2
            missing+=("apt-get failed, see $STAMPS/apt.log; then run: $command")
        fi
        let_services_go
    fi
}

has() { command -v "$1" >/dev/null; }
has_postgis() { compgen -G '/usr/share/postgresql/*/extension/postgis.control' >/dev/null; }
has_postgres() { has postgres || compgen -G '/usr/lib/postgresql/*/bin/postgres' >/dev/null; }
kafka_on_path() { has kafka-server-start.sh || has kafka-server-start; }

install_packages() {
    local packages=()
    if [[ -z ${DATABASE_URL:-} ]]; then
        has_postgres && has_postgis || packages+=(postgresql-15 postgresql-15-postgis-3)
    fi
    if [[ -z ${REDIS_URL:-} ]]; then
        has redis-server || has valkey-server || packages+=(redis-server)
    fi
    if [[ -z ${KAFKA_BROKERS:-} ]]; then
        has java || [[ -n ${JAVA_HOME:-} ]] || packages+=(default-jre-headless)
        kafka_on_path || has_jars || has mvn || packages+=(maven)
    fi
    # The dashboard's tests look at the page as a browser shows it.
    has chromium || packages+=(chromium)
    if ((${#packages[@]})); then apt_install "${packages[@]}"; fi
}

# --- Python ----------------------------------------------------------------------------------------------------------

install_python() {
    local python want
    python=$(find_python) || fail "expected Python 3.11 or newer, found none: apt-get install python3.11 python3.11-venv"
    want=$(hash_of requirements/dev.txt)$("$python" -V)
    if ! is_done python "$want" || [[ ! -x $VENV/bin/python ]]; then
        say "installs the Python packages of requirements/dev.txt into $VENV ($("$python" -V))"
        "$python" -m venv "$VENV" || fail "could not make $VENV: apt-get install python3.11-venv"
        # Hashes: a package that is not the very file that was locked is refused.
        "$VENV/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt ||
            fail "the Python packages could not be installed; see above"
        rm -f "$STAMPS/project"
        mark_done python "$want"
    fi
    want=$(hash_of setup.cfg pyproject.toml)$PWD
    if ! is_done project "$want"; then
        say "installs the project itself into $VENV, editable"
        # No build isolation: the build backend is locked like everything else.
        "$VENV/bin/python" -m pip install -qq --disable-pip-version-check --no-deps --no-build-isolation -e . ||
            fail "the project could not be installed; see above"
        mark_done project "$want"
    fi
}

# --- Kafka -----------------------------------------------------------------------------------------------------------

has_jars() { is_done kafka "$(hash_of scripts/kafka/pom.xml)" && compgen -G '.local/kafka/libs/kafka_2*.jar' >/dev/null; }

install_kafka() {
    if [[ -n ${KAFKA_BROKERS:-} ]] || kafka_on_path || has_jars; then return; fi
    if ! has mvn; then
        missing+=("no Maven to fetch Kafka with; install maven and run make setup again, or set KAFKA_BROKERS")
        return
    fi
    say "fetches the jars of Kafka into .local/kafka/libs"
    rm -rf .local/kafka/libs
    if mvn -q -B -f scripts/kafka/pom.xml -Dlibs="$PWD/.local/kafka/libs" dependency:copy-dependencies@libs \
        >"$STAMPS/maven.log" 2>&1; then
        mark_done kafka "$(hash_of scripts/kafka/pom.xml)"
    else
        grep -m 1 ERROR "$STAMPS/maven.log" >&2 || true
        missing+=("Maven could not fetch Kafka, see $STAMPS/maven.log; run make setup again, or set KAFKA_BROKERS")
    fi
}

mkdir -p "$STAMPS"
if [[ ${VESSELFLOW_SETUP:-} != python ]]; then install_packages; fi
install_python
if [[ ${VESSELFLOW_SETUP:-} != python ]]; then install_kafka; fi

if ((${#missing[@]})); then
    say "done but for:"
    printf '  - %s\n' "${missing[@]}"
    exit 2
fi
say "ready"
