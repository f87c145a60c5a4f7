#!/usr/bin/env bash
# Disturbs a small training run over and over: kill -9, SIGTERM once and twice, a full disk, a
# directory that turns read-only, damaged checkpoints. Each time the run is continued; whenever one comes to
# its end, its weights must be those of a run that nobody disturbed, to the bit. Whatever ends a run
# must have said so in the words that docs/reference/messages.md promises.
#
#   bench/soak.sh [EVENTS [SEED]]      200 events by default; prints the seed
#
# Needs Linux 6.0 and root: the output directory lies on a small tmpfs, in a mount namespace of its
# own, and is made immutable at times.
set -euo pipefail
if [ -z "${SOAK_NAMESPACE:-}" ]; then
  [ "$(id -u)" -eq 0 ] || { echo "bench/soak.sh: needs root, for a small disk; try sudo" >&2; exit 1; }
  SOAK_NAMESPACE=1 exec unshare --mount "$0" "$@"
fi
cd "$(dirname "$0")/.."
events=${1:-200} seed=${2:-$RANDOM}
RANDOM=$seed
work=$(mktemp -d)
disk=$work/disk
mkdir "$disk"
mount -t tmpfs -o size=24m tmpfs "$disk"
trap 'echo "bench/soak.sh: line $LINENO: $BASH_COMMAND: exit $?" >&2' ERR
trap 'kill -9 "${pid:-}" 2>/dev/null || true; umount "$disk"; rm -rf "$work"' EXIT
echo "seed $seed, $events events, in $work"

# ---- a run of a few seconds ------------------------------------------------------------------------

golden=api/src/test/resources/golden/tiny-llama-a
awk -v seed="$seed" 'BEGIN { srand(seed); for (d = 0; d < 60; d++) { printf "{\"input_ids\": [";
  n = 8 + int(rand() * 40); for (i = 0; i < n; i++) printf "%s%d", i ? ", " : "", int(rand() * 500);
  print "]}" } }' >"$work/ids.jsonl"
cat >"$work/train.yaml" <<EOF
model_name_or_path: $golden
stage: pt
finetuning_type: full
dataset: $work/ids.jsonl
tokenized_cache_dir: $work/cache
cutoff_len: 64
per_device_train_batch_size: 2
gradient_accumulation_steps: 2
learning_rate: 2.0e-3
lr_scheduler_type: cosine
weight_decay: 0.1
max_steps: 400
logging_steps: 20
save_steps: 20
save_total_limit: 2
threads: 1
EOF
export YUSHAN_JAVA_OPTS="-Xmx512m ${YUSHAN_JAVA_OPTS:-}"
./yushan --version
export YUSHAN_NO_BUILD=1

train() { # train OUTPUT: starts a run that continues what is there; sets pid
  log=$work/log
  : >"$log" # not that the lines of the run before are taken for its own
  ./yushan train "$work/train.yaml" --set output_dir="$1" --set resume_from_checkpoint=true \
    >"$log" 2>&1 &
  pid=$!
}

steps() { grep -c '^step ' "$log" || true; }

# under_way: waits until the run is past its first steps; false if it ended before
under_way() {
  local from=$1
  while kill -0 "$pid" 2>/dev/null; do
    [ "$(steps)" -ge "$from" ] && return 0
    sleep 0.05
  done
  return 1
}

end() { # sets status
  status=0
  { wait "$pid"; } 2>/dev/null || status=$?
}

fault() {
  echo "FAULT at event $event ($kind): $*"
  cat "$log"
  exit 1
}

said() { grep -q -- "$1" "$log" || fault "it did not say: $1"; }

train "$work/straight"
end
[ "$status" -eq 0 ] || { echo "the undisturbed run ended with exit $status"; cat "$log"; exit 1; }
expected=$(sha256sum <"$work/straight/model.safetensors")

# ---- the disturbances ------------------------------------------------------------------------------

declare -A count
tally() { count[$1]=$((${count[$1]:-0} + 1)); }

latest() { ls -d "$disk"/run/checkpoint-* 2>/dev/null | sort -t- -k2 -n | tail -n 1 || true; }

finished() { # the run came to its end: compare, begin anew
  [ "$(sha256sum <"$disk/run/model.safetensors")" = "$expected" ] ||
    fault "the weights are not those of the undisturbed run"
  tally "runs that came to their end with the same bits"
  rm -rf "$disk/run"
}

settle() { # settle NAME: after a disturbance that the run may have outrun
  if [ "$status" -eq 0 ] && [ -e "$disk/run/model.safetensors" ]; then
    tally "$1: the run was through before"
    finished
  else
    tally "$1"
  fi
}

for event in $(seq "$events"); do
  kinds=(kill kill term twice full readonly damage)
  kind=${kinds[RANDOM % ${#kinds[@]}]}
  case $kind in
    kill)
      train "$disk/run"
      sleep "0.$((RANDOM % 10))"
      [ $((RANDOM % 4)) -eq 0 ] || under_way 1 || true
      sleep "0.$((RANDOM % 10))"
      kill -9 "$pid" 2>/dev/null || true
      end
      settle "kill -9"
      ;;
    term)
      train "$disk/run"
      if under_way 1; then
        sleep "0.$((RANDOM % 10))"
        kill -TERM "$pid" 2>/dev/null || true
      fi
      end
      [ "$status" -eq 0 ] || fault "exit $status"
      [ -e "$disk/run/model.safetensors" ] || said 'stopped after step [0-9]* (SIGTERM), saved'
      settle "SIGTERM: saved, exit 0"
      ;;
    twice)
      train "$disk/run"
      if under_way 1; then
        kill -TERM "$pid" 2>/dev/null || true
        sleep 0.01
        kill -TERM "$pid" 2>/dev/null || true
      fi
      end
      [ "$status" -eq 0 ] || [ "$status" -eq 143 ] || fault "exit $status"
      settle "SIGTERM twice: exit $status"
      ;;
    full)
      free=$(df --output=avail -B1 "$disk" | tail -n 1)
      left=$((RANDOM * 60))
      [ "$left" -lt "$free" ] && head -c $((free - left)) /dev/zero >"$disk/filler" || true
      train "$disk/run"
      end
      rm -f "$disk/filler"
      if [ "$status" -ne 0 ]; then
        [ "$status" -eq 1 ] || fault "exit $status"
        grep -Eq 'No space left|bytes free|is free|free some space' "$log" || fault "no word of the disk"
        tally "full disk: refused or ended, exit 1"
      else
        settle "full disk: there was room enough"
      fi
      ;;
    readonly)
      # a run has files open, so the file system cannot be remounted; no new file can be made in
      # a directory that is immutable
      train "$disk/run"
      if under_way $((RANDOM % 10)) && [ -e "$disk/run" ]; then chattr +i "$disk/run" || true; fi
      end
      if [ -e "$disk/run" ]; then chattr -i "$disk/run"; fi
      if [ "$status" -ne 0 ]; then
        [ "$status" -eq 1 ] || fault "exit $status"
        # a file that is replaced, one that is made to be added to, or what is to be cleared away
        said 'cannot \(write\|clear\|delete\|be written\).*Operation not permitted'
        tally "directory read-only: ended, exit 1"
      else
        settle "directory read-only: it came too late"
      fi
      ;;
    damage)
      checkpoint=$(latest)
      [ "$checkpoint" ] || { train "$disk/run"; under_way 2 || true; kill -9 "$pid" 2>/dev/null || true
        end; [ ! -e "$disk/run/model.safetensors" ] || finished; checkpoint=$(latest); }
      if [ "$checkpoint" ]; then
        files=("$checkpoint"/*)
        file=${files[RANDOM % ${#files[@]}]}
        case $((RANDOM % 3)) in
          0) rm "$file" ;;
          1) truncate -s $(($(stat -c %s "$file") / 2)) "$file" ;;
          2) printf '\x5a\xa5' | dd of="$file" bs=1 seek=$(($(stat -c %s "$file") / 2)) conv=notrunc status=none ;;
        esac
        train "$disk/run"
        if under_way 1; then kill -9 "$pid" 2>/dev/null || true; fi
        end
        grep -q 'is passed over' "$log" || fault "a damaged ${file#"$disk"/} went unnoticed"
        if grep -q 'holds no sound checkpoint' "$log"; then
          [ "$status" -eq 1 ] || fault "exit $status"
          tally "all checkpoints damaged: refused, exit 1"
          rm -rf "$disk/run"
        else
          settle "damaged checkpoint: passed over"
        fi
      fi
      ;;
  esac
  printf '\r%d of %d ' "$event" "$events"
done

event=last kind=end
while :; do
  train "$disk/run"
  end
  [ "$status" -eq 0 ] && break
  fault "exit $status"
done
finished
echo
for key in "${!count[@]}"; do printf '%5d  %s\n' "${count[$key]}" "$key"; done | sort -k2
