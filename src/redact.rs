//! Redaction: credentials never reach a report, a log, a snapshot or an LLM.
