#!/usr/bin/env bash
# Holds a case folder and its exports against validators that others wrote.
#
#   tests/validate/run.sh CASE [SCRATCH]
#
# CASEWIRE names the program (default: target/debug/casewire). The validators are installed with
# pip into SCRATCH; what cannot be installed is skipped, and that is said. Ends non-zero if a
# validator refuses something, or takes what it should refuse.
set -uo pipefail
case=$1
scratch=${2:-$(mktemp -d)}
casewire=${CASEWIRE:-$(dirname "$0")/../../target/debug/casewire}
schema=$(dirname "$0")/../../docs/json-schema/casewire-report-1.schema.json
failed=0
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

fail() { echo "FAILED: $1" >&2; failed=1; }

# An environment of its own for each set of packages; they do not agree on their dependencies.
environment() {
    local name=$1
    shift
    [ -f "$scratch/$name/ready" ] && return 0
    if python3 -m venv "$scratch/$name" 2>/dev/null &&
        timeout 240 "$scratch/$name/bin/pip" install -q --disable-pip-version-check "$@" >/dev/null 2>&1; then
        touch "$scratch/$name/ready"
    else
        echo "skipped: $* cannot be installed here"
        return 1
    fi
}

for format in jsonl csv timesketch case stix navigator; do
    "$casewire" -q export --as $format "$case" -o "$work/$format" || fail "export --as $format"
done
mv "$work/case" "$work/case.jsonld"
mv "$work/stix" "$work/stix.json"
"$casewire" -q export --as evidence "$case" -o "$work/slice" || fail 'export --as evidence'

if environment schema check-jsonschema==0.39.0; then
    check="$scratch/schema/bin/check-jsonschema"
    "$check" --schemafile "$schema" "$case/report.json" || fail 'report.json against its schema'
    sed 's/"recorded_time": "\(.*\)[0-9]\{6\}Z"/"recorded_time": "\1Z"/' "$case/report.json" >"$work/short.json"
    "$check" --schemafile "$schema" "$work/short.json" >/dev/null && fail 'the schema takes times of three digits'
fi

if environment case case-utils==0.18.0; then
    timeout 300 "$scratch/case/bin/case_validate" "$work/case.jsonld" || fail 'CASE/UCO graph'
fi

if environment stix stix2-validator==3.2.0; then
    # 103 and 302: names made from content, and references of our own kind, which the standard allows.
    "$scratch/stix/bin/stix2_validator" --strict --enforce-refs -d 103,302 "$work/stix.json" || fail 'STIX bundle'
    sed 's/"spec_version": "2.1"/"spec_version": "9"/' "$work/stix.json" >"$work/wrong.json"
    "$scratch/stix/bin/stix2_validator" "$work/wrong.json" >/dev/null 2>&1 && fail 'the STIX validator takes anything'
fi

if environment navigator mitreattack-python; then
    "$scratch/navigator/bin/python" - "$work/navigator" <<'PY' || fail 'Navigator layer'
import sys
from mitreattack.navlayers import Layer
layer = Layer()
layer.from_file(sys.argv[1])
assert layer.layer.techniques, "no techniques"
print("Navigator layer:", layer.layer.name, len(layer.layer.techniques), "techniques")
PY
fi

if command -v python3 >/dev/null; then
    python3 - "$work" <<'PY' || fail 'Timesketch lines, CSV rows or evidence slice'
import csv, glob, json, sys
from datetime import datetime
from xml.dom import minidom
work = sys.argv[1]
lines = [json.loads(line) for line in open(work + "/timesketch", encoding="utf-8")]
for line in lines:
    for field in ("message", "datetime", "timestamp_desc"):
        assert isinstance(line[field], str) and line[field], field
    # Python keeps microseconds; Timesketch drops rows whose datetime does not parse.
    moment = datetime.fromisoformat(line["datetime"][:26] + line["datetime"][29:])
    assert abs(moment.timestamp() * 1e6 - line["timestamp"]) < 2, line
rows = list(csv.DictReader(open(work + "/csv", encoding="utf-8", newline="")))
assert len(rows) == len(lines), (len(rows), len(lines))
for row in rows:
    for name, cell in row.items():
        assert name == "offset_s" or not cell.startswith(("=", "+", "-", "@", "\t", "\r")), (name, cell)
for path in glob.glob(work + "/slice/*.xml"):
    assert minidom.parse(path).getElementsByTagName("EventRecordID"), path
print("Timesketch:", len(lines), "lines; CSV:", len(rows), "rows")
PY
else
    echo 'skipped: there is no python3'
fi

if command -v tshark >/dev/null; then
    for slice in "$work"/slice/*.pcapng; do
        [ -e "$slice" ] || continue
        wanted=$(grep -c '"reference": "'"$(basename "$slice" .pcapng)"':p' "$work/slice/MANIFEST.json")
        found=$(tshark -r "$slice" -T fields -e frame.number 2>/dev/null | wc -l)
        [ "$wanted" -eq "$found" ] || fail "tshark reads $found of $wanted packets of $(basename "$slice")"
    done
    # The same packet by the same number, read by somebody else.
    frames=$("$casewire" -q export --as json "$case" | grep -c '"kind": "packet"')
    echo "evidence slice: read by tshark; $frames packet references in the record"
else
    echo 'skipped: there is no tshark'
fi
if command -v xmllint >/dev/null; then
    xmllint --noout "$work"/slice/*.xml || fail 'XML of the evidence slice'
fi
exit $failed
