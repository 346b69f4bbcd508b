"""The packages in an image, as the databases of its package managers tell them: read out of layers, never unpacked."""
