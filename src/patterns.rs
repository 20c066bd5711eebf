//! Many patterns over many texts: a text is tried against those alone whose words it has.
//!
//! Compiling a pattern costs more than most investigations have to match, and most patterns have
//! nothing to do with what went wrong. So the words that a pattern cannot match without are read
//! off it, one pass finds which of them a text has, and a pattern is compiled when one is first
//! found. Knows nothing of what the patterns mean.

use std::sync::OnceLock;

use aho_corasick::AhoCorasick;
use regex::bytes::{Regex, RegexBuilder};
use regex_syntax::ParserBuilder;
use regex_syntax::hir::{Class, Hir, HirKind};

/// Words shorter than this are in nearly every text.
const SHORTEST: usize = 3;

/// How patterns are to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reading {
    /// As they are written.
    Plain,
    /// Without regard to case, of ASCII letters only: `\w` and `.` are one byte.
    AsciiAnyCase,
}

impl Reading {
    fn compile(self, source: &str) -> Result<Regex, regex::Error> {
        let ascii = self == Self::AsciiAnyCase;
        RegexBuilder::new(source).case_insensitive(ascii).unicode(!ascii).build()
    }

    /// The pattern's structure; letters as they are written, for the words are found in any case.
    fn parse(self, source: &str) -> Option<Hir> {
        let unicode = self == Self::Plain;
        ParserBuilder::new().utf8(false).unicode(unicode).build().parse(source).ok()
    }
}

/// A pattern that is compiled when it is first asked for.
#[derive(Debug)]
pub struct Pattern {
    source: &'static str,
    reading: Reading,
    regex: OnceLock<Option<Regex>>,
}

impl Pattern {
    /// A constant pattern.
    pub const fn new(source: &'static str, reading: Reading) -> Self {
        Self { source, reading, regex: OnceLock::new() }
    }

    /// The compiled pattern; none where it does not compile, so that it matches nothing.
    pub fn regex(&self) -> Option<&Regex> {
        let compile = || {
            let compiled = self.reading.compile(self.source);
            debug_assert!(compiled.is_ok(), "{compiled:?}");
            compiled.ok()
        };
        self.regex.get_or_init(compile).as_ref()
    }
}

/// Patterns, and the words that tell which of them may match.
#[derive(Debug)]
pub struct Patterns {
    patterns: Vec<Pattern>,
    /// Finds the words; none where there are too many for it, which cannot be with constants.
    words: Option<AhoCorasick>,
    /// The patterns that want a word, by the word's position.
    wanting: Vec<Vec<usize>>,
    /// The patterns without such a word, which every text is tried against.
    always: Vec<usize>,
}

impl Patterns {
    /// Reads off each pattern what it cannot match without. Compiles none.
    pub fn new(sources: impl IntoIterator<Item = &'static str>, reading: Reading) -> Self {
        let patterns: Vec<Pattern> =
            sources.into_iter().map(|source| Pattern::new(source, reading)).collect();
        let mut words: Vec<Vec<u8>> = Vec::new();
        let mut wanting: Vec<Vec<usize>> = Vec::new();
        let mut always = Vec::new();
        let mut known = std::collections::HashMap::new();
        for (index, pattern) in patterns.iter().enumerate() {
            let needed = reading.parse(pattern.source).and_then(|hir| needed(&hir));
            let Some(needed) = needed.filter(|needed| needed.shortest() >= SHORTEST) else {
                always.push(index);
                continue;
            };
            for word in needed.0 {
                let at = *known.entry(word.clone()).or_insert_with(|| {
                    words.push(word);
                    wanting.push(Vec::new());
                    words.len() - 1
                });
                if let Some(wanting) = wanting.get_mut(at) {
                    wanting.push(index);
                }
            }
        }
        let words = AhoCorasick::builder().ascii_case_insensitive(true).build(&words).ok();
        if words.is_none() {
            always = (0..patterns.len()).collect();
        }
        Self { patterns, words, wanting, always }
    }

    /// Positions of the patterns that may match a text, in order.
    pub fn candidates(&self, text: &str) -> Vec<usize> {
        let found = self.words.iter().flat_map(|words| words.find_overlapping_iter(text));
        let wanting = found.filter_map(|word| self.wanting.get(word.pattern().as_usize())).flatten();
        let mut candidates: Vec<usize> = wanting.chain(&self.always).copied().collect();
        candidates.sort_unstable();
        candidates.dedup();
        candidates
    }

    /// A pattern by its position.
    pub fn regex(&self, index: usize) -> Option<&Regex> {
        self.patterns.get(index)?.regex()
    }
}

/// Words of which a text has at least one wherever the pattern matches; in lower case.
#[derive(Clone, Debug, Default)]
struct Needed(Vec<Vec<u8>>);

impl Needed {
    fn shortest(&self) -> usize {
        self.0.iter().map(Vec::len).min().unwrap_or_default()
    }

    /// Long words are rare, and of equally long ones few are better.
    fn better(self, other: Option<Self>) -> Self {
        let rank = |needed: &Self| (needed.shortest().min(8), std::cmp::Reverse(needed.0.len()));
        match other {
            Some(other) if rank(&other) >= rank(&self) => other,
            _ => self,
        }
    }
}

/// What a pattern cannot match without; none where there is no such word.
fn needed(hir: &Hir) -> Option<Needed> {
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => None,
        HirKind::Literal(_) | HirKind::Class(_) | HirKind::Concat(_) => sequence(hir),
        HirKind::Repetition(repetition) if repetition.min == 0 => None,
        HirKind::Repetition(repetition) => needed(&repetition.sub),
        HirKind::Capture(capture) => needed(&capture.sub),
        HirKind::Alternation(alternatives) => {
            let mut all = Needed::default();
            for alternative in alternatives {
                all.0.extend(needed(alternative)?.0);
            }
            all.0.sort();
            all.0.dedup();
            Some(all)
        }
    }
}

/// The best of what the parts of a sequence need; letters that follow each other are one word.
fn sequence(hir: &Hir) -> Option<Needed> {
    fn end_word(word: &mut Vec<u8>, best: &mut Option<Needed>) {
        if !word.is_empty() {
            *best = Some(Needed(vec![std::mem::take(word)]).better(best.take()));
        }
    }
    fn walk(hir: &Hir, word: &mut Vec<u8>, best: &mut Option<Needed>) {
        match hir.kind() {
            // Takes no room, so that what stands around it follows each other.
            HirKind::Empty | HirKind::Look(_) => {}
            HirKind::Literal(literal) => word.extend(literal.0.to_ascii_lowercase()),
            HirKind::Class(class) => match letter(class) {
                Some(letter) => word.push(letter),
                None => end_word(word, best),
            },
            HirKind::Capture(capture) => walk(&capture.sub, word, best),
            HirKind::Concat(parts) => parts.iter().for_each(|part| walk(part, word, best)),
            HirKind::Repetition(_) | HirKind::Alternation(_) => {
                end_word(word, best);
                if let Some(needed) = needed(hir) {
                    *best = Some(needed.better(best.take()));
                }
            }
        }
    }
    let (mut word, mut best) = (Vec::new(), None);
    walk(hir, &mut word, &mut best);
    end_word(&mut word, &mut best);
    best
}

/// The letter that a class is, where it is one in both cases, as `[Ee]`.
fn letter(class: &Class) -> Option<u8> {
    let mut letters = match class {
        Class::Unicode(class) if class.is_ascii() => class.to_byte_class()?,
        Class::Unicode(_) => return None,
        Class::Bytes(class) => class.clone(),
    };
    letters.case_fold_simple();
    let ranges = letters.ranges();
    let single = ranges.iter().all(|range| range.start() == range.end());
    let first = ranges.first()?.start().to_ascii_lowercase();
    let one = ranges.iter().all(|range| range.start().to_ascii_lowercase() == first);
    (single && one && first.is_ascii()).then_some(first)
}

#[cfg(test)]
impl Patterns {
    pub(crate) fn len(&self) -> usize {
        self.patterns.len()
    }

    /// Texts that a pattern matches and yet is no candidate for, made from the patterns themselves.
    pub(crate) fn missed(&self) -> Vec<String> {
        let mut missed = Vec::new();
        for (index, pattern) in self.patterns.iter().enumerate() {
            let samples = tests::samples(&pattern.reading.parse(pattern.source).unwrap());
            let matched: Vec<String> = samples
                .into_iter()
                .map(|sample| String::from_utf8_lossy(&sample).into_owned())
                .filter(|sample| pattern.regex().unwrap().is_match(sample.as_bytes()))
                .collect();
            assert!(!matched.is_empty(), "no sample of {}", pattern.source);
            missed.extend(matched.into_iter().filter(|sample| !self.candidates(sample).contains(&index)));
        }
        missed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Texts that a pattern matches, so that every alternative is in one; looks around are not heeded.
    pub(super) fn samples(hir: &Hir) -> Vec<Vec<u8>> {
        match hir.kind() {
            HirKind::Empty | HirKind::Look(_) => vec![Vec::new()],
            HirKind::Literal(literal) => vec![literal.0.to_vec()],
            HirKind::Class(Class::Unicode(class)) => {
                class.ranges().iter().map(|range| range.start().to_string().into_bytes()).take(2).collect()
            }
            HirKind::Class(Class::Bytes(class)) => {
                class.ranges().iter().map(|range| vec![range.start()]).take(2).collect()
            }
            HirKind::Repetition(repetition) => {
                let often = usize::try_from(repetition.min).unwrap();
                let mut samples: Vec<_> =
                    samples(&repetition.sub).into_iter().map(|sample| sample.repeat(often.max(1))).collect();
                if often == 0 {
                    samples.insert(0, Vec::new());
                }
                samples
            }
            HirKind::Capture(capture) => samples(&capture.sub),
            HirKind::Alternation(alternatives) => alternatives.iter().flat_map(samples).collect(),
            HirKind::Concat(parts) => {
                let parts: Vec<_> = parts.iter().map(samples).collect();
                let most = parts.iter().map(Vec::len).max().unwrap_or_default();
                let nth = |at: usize| parts.iter().flat_map(move |part| part[at % part.len()].clone());
                (0..most).map(|at| nth(at).collect()).collect()
            }
        }
    }

    fn words(source: &str) -> Vec<String> {
        let needed = Reading::AsciiAnyCase.parse(source).and_then(|hir| needed(&hir)).unwrap_or_default();
        needed.0.into_iter().map(|word| String::from_utf8(word).unwrap()).collect()
    }

    #[test]
    fn a_pattern_needs_the_longest_words_that_no_match_lacks() {
        for (pattern, expected) in [
            ("connection refused", &["connection refused"][..]),
            ("(?:could not|Cannot) [a-z]+ it", &["cannot", "could not"]),
            (r"(?P<n>[a-z]+) no such host", &[" no such host"]),
            (r"\bEOF\b: x", &["eof: x"]),
            ("[Ee]rror[0-9]", &["error"]),
            ("(?:abc)?d", &["d"]),
            ("a*", &[]),
            ("abcd|[0-9]+", &[]),
            ("(?:lock){2,3}", &["lock"]),
            ("^$", &[]),
        ] {
            assert_eq!(words(pattern), expected, "{pattern}");
        }
    }

    #[test]
    fn a_text_is_tried_against_what_may_match_it() {
        let patterns = Patterns::new(["refused (?:by|at)", "[0-9]+"], Reading::AsciiAnyCase);
        assert_eq!(patterns.candidates("REFUSED"), [1]);
        assert_eq!(patterns.candidates("connection Refused at"), [0, 1]);
        assert!(patterns.regex(0).is_some_and(|regex| regex.is_match(b"REFUSED BY")));
        assert!(patterns.regex(2).is_none());
    }

    #[test]
    fn letters_whose_other_case_is_not_ascii_are_no_word() {
        // The Kelvin sign is a k, too.
        let patterns = Patterns::new(["(?i)keyword"], Reading::Plain);
        assert_eq!(patterns.candidates("\u{212a}eyword"), [0]);
    }
}
