#!/usr/bin/env bash
# The raw event streams of the demo pipeline: the native format, then the OpenAI format.
set -euo pipefail

url="${BASE_URL:-http://127.0.0.1:8787}"
question="${1:-What is in the vault?}"
body="{\"stream\": true, \"messages\": [{\"role\": \"user\", \"content\": \"$question\"}]}"

# -N shows each event when it arrives; --fail-with-body makes an error of the product an error of the script.
curl -sSN --fail-with-body "$url/pipelines/demo/chat" -H 'content-type: application/json' -d "$body"
curl -sSN --fail-with-body "$url/pipelines/demo/v1/chat/completions" -H 'content-type: application/json' -d "$body"
