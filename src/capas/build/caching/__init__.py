"""Caches that leave the machine: inside images, in registries and in directories."""
