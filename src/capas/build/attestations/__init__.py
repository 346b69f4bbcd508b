"""What is said about an image beside it: the packages in it (SBOM) and how it was made (provenance)."""
