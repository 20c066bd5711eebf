//! Integration tests: the real binary and the snapshot-backed API server.
