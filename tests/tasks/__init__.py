"""Tests of task processes."""
