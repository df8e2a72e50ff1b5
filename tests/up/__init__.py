"""Tests of `vesselflow up` that start nothing."""
