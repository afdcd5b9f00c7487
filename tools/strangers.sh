#!/usr/bin/env bash
# Installs the mail programs of other people that tests/strangers plays with (Debian, as root). Nothing is started:
# the tests run what they need themselves, on free ports. Where it cannot install, it says what is missing and ends
# well: the tests that miss a program are skipped and say so.
set -uo pipefail

declare -A packages=([swaks]=swaks [mutt]=mutt [s-nail]=s-nail [alpine]=alpine [postfix]=postfix
                     [dovecot]=dovecot-imapd [/usr/lib/dovecot/lmtp]=dovecot-lmtpd [opendkim]=opendkim)
# Large ones, and wanted by `make soak` alone.
[ "${1:-}" = soak ] && packages+=([thunderbird]=thunderbird [Xvfb]=xvfb [xdotool]=xdotool)
export PATH="$PATH:/usr/sbin:/sbin" DEBIAN_FRONTEND=noninteractive

missing=()
for program in "${!packages[@]}"; do
  command -v "$program" >/dev/null || missing+=("${packages[$program]}")
done
[ ${#missing[@]} -eq 0 ] && exit 0
if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
  echo "Some tests will be skipped. For all of them: apt-get install ${missing[*]}"
  exit 0
fi

policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then # no package may start its service
  printf '#!/bin/sh\nexit 101\n' >"$policy" && chmod 755 "$policy"
  trap 'rm -f "$policy"' EXIT
fi
timeout 120 apt-get update -qq || true
# One by one, so that a package that cannot be had does not cost the others.
for package in "${missing[@]}"; do
  timeout 180 apt-get install -y -qq --no-install-recommends -o DPkg::Lock::Timeout=60 "$package" </dev/null >/dev/null ||
    echo "$package could not be installed: its tests will be skipped"
done
exit 0
