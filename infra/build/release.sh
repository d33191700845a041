#!/usr/bin/env bash
# Rolls an image out: first to the candidate, which proves itself with it, then to the job that the schedule starts.
#
#   REGION JOB CANDIDATE IMAGE (NAME@sha256:DIGEST) TURN (gs://BUCKET/OBJECT) BUILD (a name for whose turn it is)
#
# Promises: releases take turns. The scheduled job gets an image only after executions of the candidate that ran this very image, byte for
# byte, have succeeded with `check` and with `plan`; otherwise the candidate goes back to what the job runs, and the exit code is not 0.
# The tags `live` and `previous` name what runs and what ran before. Saying it twice does no harm, and an earlier image is released like a
# new one.
# Not here: building and pushing (cloudbuild.yaml), and who may ask (infra/build/main.tf).
set -euo pipefail

case $IMAGE in
  *@sha256:*) ;;
  *) echo "A release takes an image by digest (NAME@sha256:...), not $IMAGE" >&2; exit 2 ;;
esac
repository=${IMAGE%@*}
patience_s=${PATIENCE_S:-1800}

image_of() { gcloud run jobs describe "$1" --region="$REGION" --format='value(spec.template.spec.template.spec.containers[0].image)'; }
set_image() { gcloud run jobs update "$1" --region="$REGION" --image="$2" --quiet; }

# The object may be made only where there is none, which Cloud Storage decides for all at once.
take_turn() {
  local mine end=$((SECONDS + patience_s))
  mine=$(mktemp)
  echo "$BUILD" > "$mine"
  until gcloud storage cp "$mine" "$TURN" --if-generation-match=0 --quiet >&2; do
    if ((SECONDS >= end)); then
      echo "It is still the turn of $(gcloud storage cat "$TURN"). If that release is over, end its turn: gcloud storage rm $TURN" >&2
      exit 1
    fi
    sleep "${PAUSE_S:-15}"
  done
  trap 'gcloud storage rm "$TURN" --quiet >&2' EXIT
}

# An execution takes the image that its job has when it starts, so what it ran is asked of the execution itself.
prove() {
  local execution ran
  execution=$(gcloud run jobs execute "$CANDIDATE" --region="$REGION" --args="$1" --wait --quiet --format='value(metadata.name)') || return 1
  ran=$(gcloud run jobs executions describe "$execution" --region="$REGION" --format='value(spec.template.spec.containers[0].image)')
  if [[ $ran != "$IMAGE" ]]; then
    echo "$execution ran $ran: somebody else set the candidate's image meanwhile." >&2
    return 1
  fi
}

take_turn
running=$(image_of "$JOB")
test -n "$running"

set_image "$CANDIDATE" "$IMAGE"
for command in check plan; do
  if ! prove "$command"; then
    set_image "$CANDIDATE" "$running"
    echo "The candidate did not pass \`$command\` with $IMAGE. The schedule goes on with $running." >&2
    exit 1
  fi
done

set_image "$JOB" "$IMAGE"
if [[ $running == "$repository"@* && $running != "$IMAGE" ]]; then
  gcloud artifacts docker tags add "$running" "$repository:previous" --quiet
fi
gcloud artifacts docker tags add "$IMAGE" "$repository:live" --quiet
echo "The schedule now starts $IMAGE. Before it was $running."
