#!/usr/bin/env bash
# The steps of an image's build that need more than a line; the Dockerfile runs them inside it.
# Usage: requirements/image.sh packages|project
set -euo pipefail
venv=/opt/harness
wheels=/wheels

pip() { # the tool stays out of the image: it lives in an environment of its own
    PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore \
        /opt/tools/bin/python -m pip --python "$venv/bin/python" "$@"
}

compile() { # once, here: a container's own user can't write beside the code
    "$venv/bin/python" -m compileall -q -q -j 0 --invalidation-mode unchecked-hash "$1" || true
}

packages() {
    [ -f $wheels/builder-ca.crt ] && export PIP_CERT=$wheels/builder-ca.crt
    local lock=() torch=()
    # A folder that has more than torch has everything: no index is asked.
    case $(find $wheels -name '*.whl' ! -name 'torch-*' | head -n 1) in
        ?*) lock=(--no-index --find-links "$wheels") ;;
    esac
    [ -z "$(find $wheels -name 'torch-*.whl')" ] || torch=(--no-index --find-links "$wheels")

    python3 -m venv /opt/tools
    python3 -m venv --without-pip "$venv"
    pip install -q --no-compile --no-deps --require-hashes "${lock[@]}" -r requirements/runtime.txt
    pip install -q --no-compile "${torch[@]}" -r requirements/torch.txt
    pip check
    trim "$venv"/lib/python3*/site-packages
    compile "$venv/lib"
}

trim() { # what a run never reads: the packages' own tests, headers and static libraries
    find "$1" -type d \( -name tests -o -name test \) -prune -exec rm -rf {} +
    find "$1" -type f \( -name '*.a' -o -name '*.pyx' -o -name '*.pxd' \) -delete
    rm -rf "$1"/torch/include "$1"/pyarrow/include
}

project() {
    pip install -q --no-compile --no-deps --no-build-isolation --root /stage .
    compile "/stage$venv/lib"
    # Beside the code, as the checkout has them: what ran says which locks it was installed from.
    local data=(/stage"$venv"/lib/python3*/site-packages/harness/_data)
    mkdir "$data/requirements"
    cp requirements/runtime.txt requirements/torch.txt "$data/requirements"
    mkdir -p "/stage$venv/share/harness" /stage/licenses
    cp requirements/self_test.py "/stage$venv/share/harness/"
    cp LICENSE /stage/licenses/LICENSE
    "$venv/bin/python" requirements/licences.py > /stage/licenses/packages.tsv
}

"$1"
