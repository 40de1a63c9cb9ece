#!/usr/bin/env bash
# A throw-away SLURM cluster on this machine: two nodes with made-up hardware, accounting, and fake
# GPUs, from Debian's packages.
#
#   cluster.sh check   say why it cannot run here, and fail; or say nothing
#   cluster.sh up      install what is missing, start everything, wait for the nodes
#   cluster.sh down    cancel all jobs, stop everything, remove every trace but the packages
#
# It needs root: SLURM reads /etc/slurm only, and a daemon for each node starts jobs as their users.
# There are no control groups here, so memory is not confined but polled, every two seconds.
set -euo pipefail

STATE=/tmp/varbench-slurm
CONF=/etc/slurm
MARK="# made by varbench's tests/slurm/cluster.sh"
PACKAGES=(slurmctld slurmd slurm-client slurmdbd munge mariadb-server)
NODES=(n1 n2)
DATABASE_PORT=33307

fail() {
    echo "cluster.sh: $*" >&2
    exit 1
}

missing_packages() {
    for package in "${PACKAGES[@]}"; do
        dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null | grep -qx installed || echo "$package"
    done
}

available() {
    local policy
    policy=$(apt-cache policy "$1") && [[ $policy == *"Candidate: "[^\(]* ]]
}

check() {
    [ "$(id -u)" = 0 ] || fail "not root"
    command -v apt-get dpkg-query >/dev/null || fail "not Debian: no apt-get"
    if [ -e $CONF/slurm.conf ] && ! grep -qxF "$MARK" $CONF/slurm.conf; then
        fail "this machine has a SLURM of its own, $CONF/slurm.conf"
    fi
    local package updated=
    for package in $(missing_packages); do
        if ! available "$package" && [ -z "$updated" ]; then # a new machine has no lists yet
            apt-get update >/dev/null 2>&1 || true
            updated=yes
        fi
        available "$package" || fail "no package $package, after apt-get update"
    done
}

install_packages() {
    local missing
    missing=$(missing_packages)
    [ -z "$missing" ] && return
    # Daemons must not start by themselves, with a configuration that is not ours.
    local policy=/usr/sbin/policy-rc.d
    [ -e $policy ] || { printf '#!/bin/sh\nexit 101\n' >$policy && chmod +x $policy && trap "rm -f $policy" EXIT; }
    # shellcheck disable=SC2086
    DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends $missing \
        >"$STATE/log/apt" 2>&1 || fail "apt-get cannot install $missing: see $STATE/log/apt"
}

# until_true SECONDS WHAT COMMAND...
until_true() {
    local seconds=$1 what=$2 end
    shift 2
    end=$((SECONDS + seconds))
    until "$@" >/dev/null 2>&1; do
        [ $SECONDS -lt $end ] || fail "$what does not come up within $seconds s; logs: $STATE/log"
        sleep 0.2
    done
}

# running NAME: is the daemon whose PID file is run/NAME still there, and not another process?
running() {
    local pid
    pid=$(cat "$STATE/run/$1.pid" 2>/dev/null) || return 1
    [[ $(cat "/proc/$pid/comm" 2>/dev/null) == "${1%%.*}" ]]
}

stop() {
    running "$1" || return 0
    local pid
    pid=$(<"$STATE/run/$1.pid")
    kill "$pid" 2>/dev/null || return 0
    for _ in {1..100}; do
        [ -d "/proc/$pid" ] || return 0
        sleep 0.1
    done
    kill -KILL "$pid" 2>/dev/null || true
}

configure() {
    local host
    host=$(hostname -s)
    getent hosts "$host" >/dev/null || echo "127.0.0.1 $host" >>/etc/hosts
    mkdir -p $CONF $STATE/{log,run,controller,gpus}
    chown slurm: $STATE/{log,run,controller}
    for gpu in 0 1; do # enough of a device to be counted and to be handed out
        [ -e $STATE/gpus/$gpu ] || mknod -m 666 $STATE/gpus/$gpu c 1 3
    done
    cat >$CONF/slurm.conf <<CONFIGURATION
$MARK
ClusterName=varbench
SlurmctldHost=$host(127.0.0.1)
SlurmUser=slurm
StateSaveLocation=$STATE/controller
SlurmdSpoolDir=$STATE/spool.%n
SlurmctldPidFile=$STATE/run/slurmctld.pid
SlurmdPidFile=$STATE/run/slurmd.%n.pid
SlurmctldLogFile=$STATE/log/slurmctld
SlurmdLogFile=$STATE/log/slurmd.%n
ProctrackType=proctrack/pgid
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=task=2
JobAcctGatherParams=OverMemoryKill
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
SchedulerParameters=sched_interval=1,bf_interval=2,sched_min_interval=0
SlurmdParameters=config_overrides
ReturnToService=2
KillWait=2
OverTimeLimit=0
MinJobAge=300
AccountingStorageType=accounting_storage/slurmdbd
AccountingStorageHost=127.0.0.1
AccountingStorageEnforce=associations,limits,qos
AccountingStorageTRES=gres/gpu
AccountingStoreFlags=job_comment
GresTypes=gpu
NodeName=n[1-2] NodeHostname=$host NodeAddr=127.0.0.1 Port=[17101-17102] CPUs=4 RealMemory=8000 Gres=gpu:2
PartitionName=main Nodes=n[1-2] Default=YES MaxTime=1-0 State=UP
PartitionName=gpu Nodes=n[1-2] MaxTime=1-0 State=UP
CONFIGURATION
    printf 'AutoDetect=off\nNodeName=n[1-2] Name=gpu File=%s\n' "$STATE/gpus/[0-1]" >$CONF/gres.conf
    install -o slurm -m 600 /dev/stdin $CONF/slurmdbd.conf <<CONFIGURATION
$MARK
DbdHost=localhost
SlurmUser=slurm
LogFile=$STATE/log/slurmdbd
PidFile=$STATE/run/slurmdbd.pid
StorageType=accounting_storage/mysql
StorageHost=127.0.0.1
StoragePort=$DATABASE_PORT
StorageUser=slurm
StoragePass=nothing-secret
StorageLoc=accounting
CONFIGURATION
}

start_munge() {
    munge -n >/dev/null 2>&1 && return
    [ -s /etc/munge/munge.key ] || mungekey --create
    install -d -o munge -g munge /run/munge
    install -d -o munge -g munge -m 700 /var/log/munge /var/lib/munge
    runuser -u munge -- munged --force
    until_true 10 munge munge -n
    ln -sf /run/munge/munged.pid $STATE/run/munged.pid
}

start_database() {
    local data=$STATE/database socket=$STATE/database/socket
    install -d -o mysql -g mysql -m 700 $data
    mariadb-install-db --no-defaults --user=mysql --datadir=$data --skip-test-db \
        --auth-root-authentication-method=socket >$STATE/log/mariadb-install 2>&1
    install -o mysql -m 644 /dev/null $STATE/run/mariadbd.pid
    setsid mariadbd --no-defaults --user=mysql --datadir=$data --socket=$socket \
        --bind-address=127.0.0.1 --port=$DATABASE_PORT --pid-file=$STATE/run/mariadbd.pid \
        --innodb-buffer-pool-size=64M --innodb-lock-wait-timeout=900 \
        --innodb-flush-log-at-trx-commit=0 >$STATE/log/mariadbd 2>&1 </dev/null &
    until_true 60 mariadb mariadb --no-defaults -S $socket -e 'select 1'
    mariadb --no-defaults -S $socket -e "create database accounting;
        create user slurm@127.0.0.1 identified by 'nothing-secret', slurm@localhost identified by 'nothing-secret';
        grant all on accounting.* to slurm@127.0.0.1, slurm@localhost"
    slurmdbd
    until_true 60 slurmdbd sacctmgr --noheader list cluster
    local entry
    for entry in \
        "add cluster varbench" \
        "add qos short MaxWall=00:30:00 Flags=DenyOnLimit" \
        "add account lab Description=lab Organization=lab" \
        "add user root account=lab qos=normal,short defaultqos=normal"; do
        # shellcheck disable=SC2086
        sacctmgr --immediate $entry >>$STATE/log/sacctmgr
    done
}

nodes_are_idle() {
    [ "$(sinfo --noheader --Node --partition=main --states=idle --format=%N | sort -u | wc -l)" = ${#NODES[@]} ]
}

up() {
    check
    [ ! -e $STATE ] || down
    mkdir -p $STATE/log
    install_packages
    configure
    start_munge
    start_database
    slurmctld -i
    until_true 30 slurmctld scontrol ping
    for node in "${NODES[@]}"; do
        mkdir -p "$STATE/spool.$node"
        slurmd -N "$node"
    done
    until_true 60 "a node" nodes_are_idle
}

no_jobs() {
    [ -z "$(squeue --noheader 2>/dev/null)" ]
}

down() {
    [ -e $STATE ] || return 0
    if running slurmctld; then # jobs first: they would outlive their node's daemon
        squeue --noheader --format=%A | xargs --no-run-if-empty scancel || true
        (until_true 20 "an empty queue" no_jobs) || true
    fi
    for node in "${NODES[@]}"; do stop "slurmd.$node"; done
    for daemon in slurmctld slurmdbd mariadbd munged; do stop $daemon; done
    rm -rf $STATE $CONF/{slurm,gres,slurmdbd}.conf
}

case ${1:-} in
    check | up | down) "$1" ;;
    *) sed -n '2,9p' "$0" && exit 2 ;;
esac
