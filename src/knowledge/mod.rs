//! The knowledge graph: failure modes in YAML, loaded, merged and linted. It maps facts to meaning and does no detection.
