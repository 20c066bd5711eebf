//! Signatures: what a log line means, by family.
//!
//! A [`Rule`] is a pattern with an id, a class and the parameters its named groups give. One pass
//! over a line tells which patterns may match it ([`Patterns`]); only those are run.
//! Ids name the mechanism (`too-many-connections`), never a product; a `product` is a parameter.

mod call;
mod config;
mod crash;
mod dependency;
mod permission;
mod resource;
mod server;
mod start;
mod tls;

use std::collections::BTreeMap;
use std::sync::LazyLock;

use super::format::Level;
use crate::patterns::{Pattern, Patterns, Reading};

/// Longest value of a parameter, in bytes.
const MAX_PARAM: usize = 200;

/// Which lines a rule may speak about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scope {
    /// Warnings, errors, and lines without a level: the words alone are not enough.
    Suspect,
    /// Warnings and worse: the words are ordinary.
    Warned,
    /// Any line but debug output: the words leave no doubt.
    Any,
    /// Errors only.
    Errors,
    /// Ordinary lines: start-up, requests, shutdown.
    Notice,
}

/// One pattern and what it means.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rule {
    /// The signature's id.
    pub(super) id: &'static str,
    /// The signature's class.
    pub(super) class: &'static str,
    /// The pattern, matched without regard to case; named groups become parameters, `host` and
    /// `port` the target.
    pub(super) pattern: &'static str,
    /// A pattern that, where it matches too, says the rule does not apply; empty for none.
    pub(super) unless: &'static str,
    /// Which lines it may speak about.
    pub(super) scope: Scope,
    /// Lower ranks are more specific and win over higher ones within one entry.
    pub(super) rank: u8,
    /// Parameters that the match itself implies.
    pub(super) params: &'static [(&'static str, &'static str)],
    /// Whether the line names a peer.
    pub(super) peer: bool,
}

impl Rule {
    const fn new(id: &'static str, class: &'static str, pattern: &'static str) -> Self {
        Self { id, class, pattern, unless: "", scope: Scope::Suspect, rank: 0, params: &[], peer: false }
    }

    const fn any(self) -> Self {
        Self { scope: Scope::Any, ..self }
    }

    const fn scope(self, scope: Scope) -> Self {
        Self { scope, ..self }
    }

    const fn unless(self, unless: &'static str) -> Self {
        Self { unless, ..self }
    }

    const fn rank(self, rank: u8) -> Self {
        Self { rank, ..self }
    }

    const fn with(self, params: &'static [(&'static str, &'static str)]) -> Self {
        Self { params, ..self }
    }

    const fn peer(self) -> Self {
        Self { peer: true, ..self }
    }

    /// Whether a line of this level may mean this.
    fn admits(&self, level: Level) -> bool {
        match self.scope {
            Scope::Suspect => level >= Level::Unknown,
            Scope::Warned => level >= Level::Warn,
            Scope::Any => level >= Level::Info,
            Scope::Errors => level >= Level::Error,
            Scope::Notice => level <= Level::Warn,
        }
    }
}

/// Every rule; earlier ones win where the rank is the same.
static RULES: LazyLock<Vec<&'static Rule>> = LazyLock::new(|| {
    [
        permission::RULES,
        tls::RULES,
        config::RULES,
        dependency::RULES,
        resource::RULES,
        crash::RULES,
        call::RULES,
        server::RULES,
        start::RULES,
    ]
    .into_iter()
    .flatten()
    .collect()
});

/// Each rule's pattern.
static PATTERNS: LazyLock<Patterns> =
    LazyLock::new(|| Patterns::new(RULES.iter().map(|rule| rule.pattern), Reading::AsciiAnyCase));

/// Each rule's exception; only asked where its pattern may match.
static EXCEPTIONS: LazyLock<Vec<Option<Pattern>>> = LazyLock::new(|| {
    let exception = |unless| Pattern::new(unless, Reading::AsciiAnyCase);
    RULES.iter().map(|rule| (!rule.unless.is_empty()).then(|| exception(rule.unless))).collect()
});

/// What a statement means.
#[derive(Clone, Debug)]
pub(super) struct Hit {
    /// The rule that says so.
    pub(super) rule: &'static Rule,
    /// Its place among the rules.
    pub(super) order: usize,
    /// Parameters, `host` and `port` among them where the pattern names them.
    pub(super) params: BTreeMap<&'static str, String>,
}

/// Every meaning of a statement of this level, best first.
pub(super) fn matches(text: &str, level: Level) -> Vec<Hit> {
    let mut hits: Vec<Hit> =
        PATTERNS.candidates(text).into_iter().filter_map(|order| hit(order, text, level)).collect();
    hits.sort_by_key(|hit| (hit.rule.rank, hit.order));
    hits
}

fn hit(order: usize, text: &str, level: Level) -> Option<Hit> {
    let rule = *RULES.get(order)?;
    if !rule.admits(level) {
        return None;
    }
    let text = text.as_bytes();
    let pattern = PATTERNS.regex(order)?;
    let captures = pattern.captures(text)?;
    let exception = EXCEPTIONS.get(order)?.as_ref().and_then(Pattern::regex);
    if exception.is_some_and(|exception| exception.is_match(text)) {
        return None;
    }
    let mut params: BTreeMap<&'static str, String> =
        rule.params.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
    for name in pattern.capture_names().flatten() {
        // A name may be written twice in one pattern as `x` and `x2`.
        let plain = name.trim_end_matches(|c: char| c.is_ascii_digit());
        if let (Some(found), Some(known)) = (captures.name(name), param_name(plain)) {
            let value = String::from_utf8_lossy(found.as_bytes());
            let value = unquoted(value.trim());
            // The core API group's name is empty.
            if !value.is_empty() || known == "group" {
                params.insert(known, value.chars().take(MAX_PARAM).collect());
            }
        }
    }
    Some(Hit { rule, order, params })
}

/// The value without quotes around it; a quote that closes one inside the value stays.
fn unquoted(value: &str) -> &str {
    let mut value = value.trim_end_matches(',');
    for quote in ['"', '\'', '`'] {
        value = value.strip_prefix(quote).unwrap_or(value);
        if value.matches(quote).count() % 2 == 1 {
            value = value.strip_suffix(quote).unwrap_or(value);
        }
    }
    value
}

/// Every parameter there is; what consumers may rely on.
const PARAMS: &[&str] = &[
    "code",
    "column",
    "database",
    "exception",
    "field",
    "file",
    "group",
    "host",
    "ip",
    "library",
    "line",
    "message",
    "ms",
    "name",
    "namespace",
    "path",
    "phase",
    "port",
    "product",
    "protocol",
    "reason",
    "resource",
    "role",
    "seconds",
    "server",
    "side",
    "source",
    "status",
    "table",
    "temporary",
    "url",
    "user",
    "value",
    "variable",
    "verb",
    "wanted",
];

fn param_name(name: &str) -> Option<&'static str> {
    PARAMS.iter().find(|known| **known == name).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pattern_compiles_and_names_known_parameters() {
        assert_eq!(PATTERNS.len(), RULES.len());
        for (order, rule) in RULES.iter().enumerate() {
            let compiled = PATTERNS.regex(order).unwrap_or_else(|| panic!("{}", rule.pattern));
            for name in compiled.capture_names().flatten() {
                let plain = name.trim_end_matches(|c: char| c.is_ascii_digit());
                assert!(param_name(plain).is_some(), "{name} in {}", rule.pattern);
            }
            let exception = EXCEPTIONS[order].as_ref();
            assert!(exception.is_none_or(|exception| exception.regex().is_some()), "{}", rule.unless);
            assert!(rule.params.iter().all(|(name, _)| param_name(name).is_some()), "{}", rule.id);
        }
    }

    #[test]
    fn no_pattern_is_passed_over_where_it_matches() {
        assert_eq!(PATTERNS.missed(), [""; 0]);
    }

    #[test]
    fn an_id_has_one_class() {
        let mut classes = BTreeMap::new();
        for rule in RULES.iter() {
            assert_eq!(*classes.entry(rule.id).or_insert(rule.class), rule.class, "{}", rule.id);
        }
    }
}
