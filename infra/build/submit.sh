#!/usr/bin/env bash
# Sends the commit that is checked out to Cloud Build; takes the options of `gcloud builds submit`, `--substitutions=` among them.
#
# Promises: what is built is the commit, and what the image says of itself is true: uncommitted changes are refused, and of the folder
# nothing is sent but what git keeps of that commit.
# Not here: the release, which the build asks for when everything has passed.
set -euo pipefail
cd "$(dirname "$0")/../.."

if [[ -n $(git status --porcelain) ]]; then
  echo "There are changes that are not committed, so an image would not be what its commit says. Commit or stash them first:" >&2
  git status --short >&2
  exit 1
fi
commit=$(git rev-parse HEAD)
options=()
for option in "$@"; do
  case $option in
    --substitutions=*) options+=("$option,COMMIT_SHA=$commit") ;;
    *) options+=("$option") ;;
  esac
done

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
git archive --format=tar.gz --output="$folder/source.tar.gz" HEAD
# The builder writes its log to Cloud Logging alone, so gcloud shows none here: it prints where the log is.
gcloud builds submit "$folder/source.tar.gz" --config=cloudbuild.yaml "${options[@]}"
