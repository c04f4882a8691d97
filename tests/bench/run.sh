#!/usr/bin/env bash
# Times casewire beside other tools over the same generated files, in one run, taking turns, and
# prints a Markdown table. A benchmark, never a test: it fails on no figure.
#
#   tests/bench/run.sh [CASEWIRE]
#
# CASEWIRE is the binary to time; without it one is built with the release profile. It needs GNU
# time. Tools that are not installed are left out with a message. Set, if you like:
#   BENCH_DIR      where the generated files go and stay (else a temporary folder, removed at the end)
#   CAPTURE, LOG   sizes of the capture and of each log (1GiB, 256MiB)
#   TURNS          how often each command runs (3); the least CPU time of a command counts
#   SLOW           tools that run only once (tshark)
set -euo pipefail

here=$(cd "$(dirname "$0")/../.." && pwd)
capture_size=${CAPTURE:-1GiB} log_size=${LOG:-256MiB} turns=${TURNS:-3} slow=" ${SLOW:-tshark} "
time_tool=$(command -v time || true)
[ -x "$time_tool" ] || time_tool=/usr/bin/time
"$time_tool" -f %U true 2>/dev/null || { echo "GNU time is needed: install the package 'time'" >&2; exit 1; }

if [ -n "${BENCH_DIR:-}" ]; then
    folder=$BENCH_DIR
    mkdir -p "$folder"
else
    folder=$(mktemp -d)
    trap 'rm -rf "$folder"' EXIT
fi
cargo=(cargo --quiet)
casewire=${1:-}
if [ -z "$casewire" ]; then
    (cd "$here" && "${cargo[@]}" build --release --bin casewire)
    casewire=${CARGO_TARGET_DIR:-$here/target}/release/casewire
fi
(cd "$here" && "${cargo[@]}" build -p casewire-bench)
generator=${CARGO_TARGET_DIR:-$here/target}/debug/casewire-bench

make() { # kind, file, size, further arguments
    local kind=$1 file=$folder/$2 size=$3
    shift 3
    [ -s "$file" ] || { "$generator" "$kind" "$file.new" "$size" 7 "$@" >"$file.truth" && mv "$file.new" "$file"; }
    cat "$file" >/dev/null # into the page cache: the processor is measured, not the disk
}

# Each command: the file it reads, a name, and the command itself with {} for the file.
commands=()
add() { # file, name, tool, command
    if command -v "$3" >/dev/null; then
        commands+=("$1|$2|$3|$4")
    else
        echo "not installed, left out: $3" >&2
    fi
}

make capture capture.pcap "$capture_size"
make log mixed.evtx "$log_size"
make log wfp.evtx "$log_size" wfp

add capture.pcap "tcpdump, filter" tcpdump "tcpdump -r {} -w /dev/null 'tcp[13] & 7 != 0'"
add capture.pcap "tshark, conversations" tshark "tshark -q -z conv,tcp -r {}"
for log in mixed.evtx wfp.evtx; do
    add $log "evtx_dump, JSON lines" evtx_dump "evtx_dump -o jsonl -t 1 {}"
done
for file in capture.pcap mixed.evtx wfp.evtx; do
    add $file "sha256sum" sha256sum "sha256sum {}"
    add $file "casewire, no hash" "$casewire" "$casewire analyze -q --no-hash {}"
    add $file "casewire, no hash, 1 thread" "$casewire" "$casewire analyze -q --no-hash --threads 1 {}"
    add $file "casewire" "$casewire" "$casewire analyze -q {}"
done

results=$folder/results
: >"$results"
for turn in $(seq "$turns"); do
    for entry in "${commands[@]}"; do
        IFS='|' read -r file name tool command <<<"$entry"
        [ "$turn" -gt 1 ] && [[ $slow == *" $tool "* ]] && continue
        # casewire exits 3 where evidence is damaged, tools may grumble: only the time is asked for.
        "$time_tool" -q -o "$folder/turn" -f "%U %S %e %M" \
            sh -c "exec ${command//\{\}/$folder/$file} >/dev/null 2>&1" || true
        echo "$file|$name|$(tail -n 1 "$folder/turn")" >>"$results"
    done
done

echo "| file | command | CPU s | wall s | peak MiB | CPU to casewire's |"
echo "|---|---|---|---|---|---|"
awk -F'|' '
{
    split($3, t, " "); key = $1 "|" $2; cpu = t[1] + t[2]
    if (!(key in least)) { order[++n] = key; least[key] = cpu; wall[key] = t[3]; peak[key] = t[4] }
    if (cpu < least[key]) least[key] = cpu
    if (t[3] < wall[key]) wall[key] = t[3]
    if (t[4] > peak[key]) peak[key] = t[4]
}
END {
    for (i = 1; i <= n; i++) {
        split(order[i], k, "|"); own = least[k[1] "|casewire, no hash"]
        ratio = own > 0 ? sprintf("%.2f", least[order[i]] / own) : "-"
        printf "| %s | %s | %.2f | %.2f | %.0f | %s |\n", k[1], k[2], least[order[i]], wall[order[i]], peak[order[i]] / 1024, ratio
    }
}' "$results"
