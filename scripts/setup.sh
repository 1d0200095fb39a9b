#!/usr/bin/env bash
# Installs what kvscope builds with: apt packages, then .venv with LibTorch (the torch wheel) and
# the packages of the Python scripts. Safe to run again; does nothing when everything is there.
# KVSCOPE_VENV names another folder for the virtual environment.
set -euo pipefail
cd "$(dirname "$0")/.."

packages=(
  build-essential cmake ninja-build ccache pkg-config git ca-certificates
  libfmt-dev libspdlog-dev libcli11-dev nlohmann-json3-dev
  libhdf5-dev libpng-dev zlib1g-dev libssl-dev libgtest-dev libgmock-dev
  python3 python3-venv python3-pip
)

missing=()
for package in "${packages[@]}"; do
  status=$(dpkg-query --show --showformat='${db:Status-Status}' "$package" 2>/dev/null || true)
  [[ $status == installed ]] || missing+=("$package")
done

if ((${#missing[@]})); then
  if ((EUID == 0)); then
    as_root=()
  elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
    as_root=(sudo)
  elif command -v sudo >/dev/null && [[ -t 0 ]]; then
    as_root=(sudo)
  else
    echo "setup: these packages are missing and need root; run this, then scripts/setup.sh again:" >&2
    echo "  apt-get update && apt-get install -y --no-install-recommends ${missing[*]}" >&2
    exit 1
  fi
  echo "setup: installing ${missing[*]}"
  "${as_root[@]}" apt-get update -qq
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
    apt-get install -y -qq --no-install-recommends "${missing[@]}"
fi

venv=${KVSCOPE_VENV:-.venv}
stamp="$venv/.requirements"
if [[ ! -f $stamp ]] || ! cmp -s scripts/requirements.txt "$stamp"; then
  echo "setup: preparing $venv (torch is about 4.6 GB once unpacked)"
  [[ -x $venv/bin/python ]] || /usr/bin/python3 -m venv "$venv"
  "$venv/bin/python" -m pip install --quiet --upgrade pip
  "$venv/bin/python" -m pip install --quiet --requirement scripts/requirements.txt
  cp scripts/requirements.txt "$stamp"
fi
echo "setup: ready"
