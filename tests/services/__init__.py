"""Tests of search services: one contract for every engine, against real servers."""
