"""How BuildKit marks the statements about an image that lie beside it in an index.

Spec: BuildKit, docs/attestations/attestation-storage.md.
"""

from __future__ import annotations

REFERENCE_TYPE, REFERENCE_DIGEST = "vnd.docker.reference.type", "vnd.docker.reference.digest"
ATTESTATION = "attestation-manifest"
