#!/usr/bin/env bash
# Fills wheels/cpu or wheels/gpu with everything that an image installs, so that its build needs no
# network: the locked packages, their hashes checked, and torch.
# Usage: requirements/wheels.sh cpu|gpu     (TORCH_INDEX=URL: the index that has that build of torch)
set -euo pipefail
flavour=$1
cd "$(dirname "$0")/.."
folder=wheels/$flavour
torch=$(cat requirements/torch.txt)
wheel=$folder/${torch/==/-} # and then the build's tag, Python and platform
python=${PYTHON:-python3}
[ -x .venv/bin/python ] && python=.venv/bin/python

download() {
    PIP_DISABLE_PIP_VERSION_CHECK=1 "$python" -m pip download --no-input -qq \
        --python-version 3.11 --only-binary :all: --dest "$folder" --find-links "$folder" "$@"
}

# Made anew where a lock changed: a folder's stamp is the digest of what it was made from.
stamp=$folder/made-from-$(cat requirements/runtime.txt requirements/torch.txt | sha256sum | cut -c 1-16)
[ ! -f "$stamp" ] || exit 0
mkdir -p "$folder"
rm -f "$folder"/made-from-*
echo "Downloading the locked packages into $folder." >&2
download --no-deps --require-hashes -r requirements/runtime.txt
if ! ls "$wheel"*.whl >/dev/null 2>&1; then
    deps=(); [ "$flavour" = gpu ] || deps=(--no-deps)
    download "${deps[@]}" ${TORCH_INDEX:+--index-url "$TORCH_INDEX"} -r requirements/torch.txt
fi
if [ "$flavour" = cpu ] && ! ls "$wheel"*cpu*.whl >/dev/null 2>&1; then
    rm -f "$wheel"*.whl
    echo "pip found no CPU build of $torch." \
        "Name the index that has one: make image TORCH_INDEX=URL" \
        "(\"Get started\" on torch's site shows it), or put the wheel into $folder." >&2
    exit 1
fi
touch "$stamp"
