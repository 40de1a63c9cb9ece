"""Targeted attacks on images, one pure function a file."""
