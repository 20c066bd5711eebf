//! Signatures: what a log line means, by family.
//!
//! A [`Rule`] is a pattern with an id, a class and the parameters its named groups give. All
//! patterns are tried in one pass ([`RegexSet`]); only those that hit are run for their groups.
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

use regex::bytes::{Regex, RegexBuilder, RegexSet, RegexSetBuilder};

use super::format::Level;
use super::pattern::constant;

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

/// Matches every pattern at once, or a little more than it: a hit is confirmed by the rule's own
/// pattern.
static SET: LazyLock<RegexSet> = LazyLock::new(|| {
    let built = RegexSetBuilder::new(RULES.iter().map(|rule| loosened(rule.pattern)))
        .case_insensitive(true)
        .unicode(false)
        .size_limit(64 << 20)
        .dfa_size_limit(16 << 20)
        .build();
    debug_assert!(built.is_ok(), "{built:?}");
    built.unwrap_or_else(|_| RegexSet::empty())
});

/// The pattern without its counters: it matches whatever the pattern matches.
///
/// Hundreds of `[^\n]{0,60}` running at once would multiply the automaton's states beyond its
/// cache, and matching would fall back to a hundred times slower.
fn loosened(pattern: &str) -> String {
    static COUNTER: LazyLock<regex::Regex> = LazyLock::new(|| constant(r"\{[0-9]+,[0-9]+\}"));
    COUNTER.replace_all(pattern, "*").into_owned()
}

/// Each rule's pattern and its exception, compiled when it first hits.
static COMPILED: LazyLock<Vec<(LazyPattern, LazyPattern)>> = LazyLock::new(|| {
    RULES.iter().map(|rule| (LazyPattern::new(rule.pattern), LazyPattern::new(rule.unless))).collect()
});

struct LazyPattern {
    source: &'static str,
    regex: std::sync::OnceLock<Option<Regex>>,
}

impl LazyPattern {
    fn new(source: &'static str) -> Self {
        Self { source, regex: std::sync::OnceLock::new() }
    }

    fn get(&self) -> Option<&Regex> {
        let compile = || {
            (!self.source.is_empty())
                .then(|| RegexBuilder::new(self.source).case_insensitive(true).unicode(false).build().ok())
                .flatten()
        };
        self.regex.get_or_init(compile).as_ref()
    }
}

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
    let bytes = text.as_bytes();
    let mut hits: Vec<Hit> =
        SET.matches(bytes).into_iter().filter_map(|order| hit(order, bytes, level)).collect();
    hits.sort_by_key(|hit| (hit.rule.rank, hit.order));
    hits
}

fn hit(order: usize, text: &[u8], level: Level) -> Option<Hit> {
    let rule = *RULES.get(order)?;
    if !rule.admits(level) {
        return None;
    }
    let (pattern, unless) = COMPILED.get(order)?;
    if unless.get().is_some_and(|unless| unless.is_match(text)) {
        return None;
    }
    let pattern = pattern.get()?;
    let captures = pattern.captures(text)?;
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
        assert_eq!(SET.len(), RULES.len());
        for (rule, (pattern, unless)) in RULES.iter().zip(COMPILED.iter()) {
            let compiled = pattern.get().unwrap_or_else(|| panic!("{}", rule.pattern));
            for name in compiled.capture_names().flatten() {
                let plain = name.trim_end_matches(|c: char| c.is_ascii_digit());
                assert!(param_name(plain).is_some(), "{name} in {}", rule.pattern);
            }
            assert!(rule.unless.is_empty() || unless.get().is_some(), "{}", rule.unless);
            assert!(rule.params.iter().all(|(name, _)| param_name(name).is_some()), "{}", rule.id);
        }
    }

    #[test]
    fn an_id_has_one_class() {
        let mut classes = BTreeMap::new();
        for rule in RULES.iter() {
            assert_eq!(*classes.entry(rule.id).or_insert(rule.class), rule.class, "{}", rule.id);
        }
    }
}
