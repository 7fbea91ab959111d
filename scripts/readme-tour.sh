#!/usr/bin/env bash
# Runs the README's commands as they stand there, against `npm start`, and checks what comes out.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
work=$(mktemp -d)
failures=0
server=
cleanup() {
  [[ -z $server ]] || kill -KILL -- "-$server" 2>/dev/null || true
  rm -rf "$work"
}
trap cleanup EXIT

check() { # check NAME EXPECTED-TEXT FILE
  if grep -qF -- "$2" "$3"; then echo "ok      $1"; else
    echo "FAILED  $1: expected '$2' in"
    sed 's/^/        /' "$3"
    failures=$((failures + 1))
  fi
}
wait_for() { # wait_for TEXT FILE: until the text is there, a minute at most
  for _ in $(seq 600); do
    if grep -qsF -- "$1" "$2"; then return 0; fi
    if [[ -z $(jobs -r) ]]; then break; fi
    sleep 0.1
  done
  echo "FAILED  '$1' never came:"
  cat "$2" "$work/log"
  return 1
}

# a process group of its own, so that the broker can be ended whole
setsid npm start >"$work/out" 2>"$work/log" &
server=$!
wait_for 'trespass' "$work/out"
for word in guarding policy certs listen speak trespass; do check "start line: $word" "$word" "$work/out"; done

npx portcullis try --as ops-1 subscribe 'plant/s1/#' --count 1 >"$work/listen" 2>&1 &
listener=$!
wait_for 'listening to' "$work/listen"
npx portcullis try --as pump-7 publish plant/s1/pump-7/telemetry/temp 21.5 >"$work/speak" 2>&1
check 'speak' 'permitted' "$work/speak"
wait "$listener"
check 'listen' 'plant/s1/pump-7/telemetry/temp 21.5' "$work/listen"
npx portcullis try --as pump-7 publish plant/s1/pump-8/telemetry/temp 0 >"$work/trespass" 2>&1 && echo 'exit 0' >>"$work/trespass"
check 'trespass' 'refused: no rule allows to publish' "$work/trespass"

if command -v mosquitto_pub >/dev/null; then
  # the sub and pub of the README, then each of its refusals, cut out of the text itself
  awk '/^```sh/{block++; inside=1; next} /^```/{inside=0} inside{print > ("'"$work"'/block" block ".sh")}' README.md
  sed 's/ -v$/ -v -C 1/; s/^mosquitto_sub/timeout 20 mosquitto_sub/' "$work/block2.sh" | awk '/^mosquitto_pub/{pub=1} {print > ("'"$work"'/" (pub ? "pub.sh" : "sub.sh"))}'
  bash "$work/sub.sh" >"$work/mosquitto_sub" 2>&1 &
  listener=$!
  wait_for '"clientId":"ops-1/desk"' "$work/log"
  sleep 1 # mosquitto_sub does not say when it has subscribed
  bash "$work/pub.sh" >"$work/mosquitto_pub" 2>&1 || true
  wait "$listener" || true
  check 'mosquitto: allowed publish arrives' 'plant/s1/pump-7/telemetry/temp 21.5' "$work/mosquitto_sub"
  before=$(wc -l <"$work/log")
  timeout 60 bash "$work/block3.sh" >"$work/refusals" 2>&1 || true
  tail -n "+$((before + 1))" "$work/log" >"$work/new"
  for code in decide/no-rule bind/client-id-mismatch accept/no-certificate accept/unknown-issuer accept/revoked; do
    check "mosquitto: $code is one line of the log" "\"code\":\"$code\"" "$work/new"
  done
else
  echo 'SKIPPED mosquitto: no mosquitto_pub here (Debian: apt-get install mosquitto-clients)'
fi

npx portcullis policy check >"$work/check"
check 'policy check' 'tests passed' "$work/check"
npx portcullis policy test >"$work/test"
check 'policy test' 'ok' "$work/test"
npx portcullis policy explain device:site=s1,device=pump-7 publish plant/s1/pump-7/telemetry/temp >"$work/explain"
check 'policy explain' 'permit' "$work/explain"

kill -KILL -- "-$server"
wait "$server" 2>/dev/null || true
setsid npm start >"$work/out2" 2>"$work/log2" &
server=$!
wait_for 'trespass' "$work/out2"
check 'kill -9 and restart' 'guarding' "$work/out2"
((failures == 0))
