#!/bin/sh
# Creates the namespace and the search attributes of workflows/messages.ts; a second run changes nothing.
# Needs the temporal CLI, TEMPORAL_ADDRESS and TEMPORAL_NAMESPACE.
set -eu

attributes="GoldenpathEnvironment GoldenpathCluster GoldenpathLifecycle GoldenpathPhase GoldenpathTier GoldenpathGate GoldenpathRequester GoldenpathCommit"

if ! temporal operator namespace describe --namespace "$TEMPORAL_NAMESPACE" >/dev/null 2>&1; then
  temporal operator namespace create --namespace "$TEMPORAL_NAMESPACE" --retention 90d --description "Platforms of goldenpath"
fi

existing=$(temporal operator search-attribute list --namespace "$TEMPORAL_NAMESPACE")
for name in $attributes; do
  if ! printf '%s\n' "$existing" | grep -qw "$name"; then
    temporal operator search-attribute create --namespace "$TEMPORAL_NAMESPACE" --name "$name" --type Keyword
  fi
done
