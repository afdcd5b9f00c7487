#!/bin/sh
# Puts names and addresses into Postfix's configuration, then runs what it is asked to.
#   TIDINGS_DOMAIN  domains of the processes, separated by blanks (required)
#   MAIL_HOSTNAME   the name of this server in the DNS (default: the first domain)
#   LISTENER        where Tidings takes mail by LMTP (default: listen:2525)
#   RELAYHOST       a smart host for outgoing mail, such as [smtp.example.org]:587 (default: none, straight to the receivers)
#   TLS_CHAIN       a PEM file, key first, then certificates: with it port 25 offers STARTTLS
# MAIL_CONFIG is Postfix's own: the folder of its configuration.
set -eu
: "${TIDINGS_DOMAIN:?say which domain Tidings gets the mail of}"
listener=${LISTENER:-listen:2525}
first=${TIDINGS_DOMAIN%% *}
transports=
for domain in $TIDINGS_DOMAIN; do
    case $domain in
    *[!a-zA-Z0-9.-]* | .* | -*) echo "TIDINGS_DOMAIN: $domain is not a domain name" >&2; exit 64 ;;
    esac
    transports="$transports${transports:+, }{ $domain = lmtp:inet:$listener }"
done
postconf -e \
    "myhostname = ${MAIL_HOSTNAME:-$first}" \
    "myorigin = $first" \
    "relay_domains = $TIDINGS_DOMAIN" \
    "transport_maps = inline:{ $transports }" \
    "relayhost = ${RELAYHOST:-}"
if [ -n "${TLS_CHAIN:-}" ]; then
    postconf -e "smtpd_tls_chain_files = $TLS_CHAIN" "smtpd_tls_security_level = may"
fi
exec "$@"
