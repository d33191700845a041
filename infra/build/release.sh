#!/usr/bin/env bash
# Rolls an image out: first to the candidate, which runs `check` with it, then to the job the schedule starts.
#
#   release.sh REGION JOB CANDIDATE IMAGE@DIGEST
#
# Promises: the scheduled job gets an image only after `check` has succeeded with it; when it fails, the candidate goes back to what the
# scheduled job runs and the exit code is not 0. Saying it twice does no harm.
# Not here: building and pushing, and the roll-back of an image that passed its check, which is one command in infra/README.md.
set -euo pipefail

region=$1 job=$2 candidate=$3 image=$4
case $image in
  *@sha256:*) ;;
  *) echo "release.sh takes an image by digest (NAME@sha256:...), not $image" >&2; exit 2 ;;
esac

set_image() { gcloud run jobs update "$1" --region="$region" --image="$2" --quiet; }

running=$(gcloud run jobs describe "$job" --region="$region" --format='value(spec.template.spec.template.spec.containers[0].image)')
test -n "$running"

set_image "$candidate" "$image"
if ! gcloud run jobs execute "$candidate" --region="$region" --args=check --wait --quiet; then
  set_image "$candidate" "$running"
  echo "The check failed with $image. The schedule goes on with $running." >&2
  exit 1
fi

set_image "$job" "$image"
echo "The schedule now starts $image. To go back: gcloud run jobs update $job --region=$region --image=$running"
