//! Compiling constant patterns.

use regex::Regex;

/// Compiles a constant pattern. One that does not compile matches nothing; every pattern of
/// this module is used by a test.
pub(super) fn constant(pattern: &str) -> Regex {
    #[expect(clippy::unwrap_used, reason = "`[^\\s\\S]` compiles")]
    Regex::new(pattern).unwrap_or_else(|_| {
        debug_assert!(false, "{pattern}");
        Regex::new(r"[^\s\S]").unwrap()
    })
}
