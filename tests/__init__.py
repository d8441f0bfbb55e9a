"""Tests of Paddock, laid out as the code they test."""
