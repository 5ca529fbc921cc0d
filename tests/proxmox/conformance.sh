#!/bin/bash
# The conformance suite on the imitated Proxmox VE.
set -euo pipefail
cd "$(dirname "$0")/../.."
[ "$(id -u)" = 0 ] || { echo "needs root: a node's sshd gets namespaces of its own"; exit 77; }
./dev build dev flyt flyt_conformance
FLYT_TEST_PROXMOX=1 FLYT_TEST_REQUIRE=proxmox build/dev/flyt_conformance "proxmox conforms*"
