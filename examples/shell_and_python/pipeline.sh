#!/usr/bin/env bash
# A pipeline of shell commands and Python scripts: pipeline.sh DIRECTORY VERSION
# `cycletrace run` runs any command as a stage. The key in the environment joins the stages to one cycle.
set -euo pipefail
scripts=$(cd "$(dirname "$0")" && pwd)
version=$2
mkdir -p "$1/releases" && cd "$1"
export CYCLETRACE_CYCLE="iris@$version"

cycletrace run --stage train -- python "$scripts/train.py"
cycletrace mark selected # there was only one candidate
cycletrace run --stage test -- python "$scripts/check.py"
cycletrace run --stage package -- tar -czf "releases/iris-$version.tgz" model.pickle
cycletrace run --stage deploy -- tar -xzf "releases/iris-$version.tgz" -C releases
cycletrace run --stage activate -- ln -sfn releases/model.pickle production

python "$scripts/predict.py" "$version" 5.1 3.5 1.4 0.2 # the first prediction: the version is in use
