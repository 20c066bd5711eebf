//! The words that tell what is wrong, as phrases of folded words.
//!
//! A phrase is matched inside one clause. `a|b` is either word, `crash*` any word that begins
//! so, `~` up to four words in between. Phrases are data: matching them is linear in the text.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::LazyLock;

use super::phrases::{NOT, PHRASES};
use super::text::{Token, camel_words};
use super::words;
use crate::symptom::Symptom;

/// Words before a symptom that deny it, unless the phrase itself is a denial.
const DENIALS: &[&str] =
    &["no", "not", "isnt", "arent", "without", "never", "nothing", "kein", "keine", "sin", "sans", "sem"];

enum Part {
    /// One word out of these; a trailing `*` means any ending.
    Word(Vec<&'static str>),
    /// Up to four words.
    Gap,
}

struct Phrase {
    symptom: Symptom,
    parts: Vec<Part>,
    denies: bool,
}

struct Phrases {
    all: Vec<Phrase>,
    /// Phrases by their first word; the empty key has those that begin with a prefix.
    by_first: HashMap<&'static str, Vec<usize>>,
    words: HashSet<&'static str>,
    prefixes: Vec<&'static str>,
}

static TABLE: LazyLock<Phrases> = LazyLock::new(Phrases::new);

impl Phrases {
    fn new() -> Self {
        let mut table =
            Self { all: Vec::new(), by_first: HashMap::new(), words: HashSet::new(), prefixes: Vec::new() };
        for (symptom, phrases) in PHRASES {
            for phrase in *phrases {
                table.add(*symptom, phrase);
            }
        }
        table
    }

    fn add(&mut self, symptom: Symptom, phrase: &'static str) {
        let mut parts = Vec::new();
        for part in phrase.split(' ') {
            let alternatives = match part {
                "~" => {
                    parts.push(Part::Gap);
                    continue;
                }
                "@not" => NOT,
                other => other,
            };
            parts.push(Part::Word(alternatives.split('|').collect()));
        }
        let number = self.all.len();
        for (index, part) in parts.iter().enumerate() {
            let Part::Word(alternatives) = part else { continue };
            for word in alternatives {
                match word.strip_suffix('*') {
                    Some(prefix) => self.prefixes.push(prefix),
                    None => {
                        self.words.insert(word);
                    }
                }
                if index == 0 {
                    let key = if word.ends_with('*') { "" } else { word };
                    self.by_first.entry(key).or_default().push(number);
                }
            }
        }
        self.all.push(Phrase { symptom, parts, denies: phrase.contains("@not") });
    }

    fn candidates<'a>(&'a self, word: &str) -> impl Iterator<Item = &'a Phrase> {
        let exact = self.by_first.get(word).into_iter().flatten();
        let prefix = self.by_first.get("").into_iter().flatten();
        exact.chain(prefix).filter_map(|index| self.all.get(*index))
    }
}

impl Phrase {
    /// Whether the phrase begins at the first of these words.
    fn matches(&self, words: &[&str]) -> bool {
        fn rest(parts: &[Part], words: &[&str]) -> bool {
            match parts.split_first() {
                None => true,
                Some((Part::Gap, parts)) => {
                    (0..=4).any(|skip| words.get(skip..).is_some_and(|words| rest(parts, words)))
                }
                Some((Part::Word(alternatives), parts)) => {
                    words.split_first().is_some_and(|(word, words)| {
                        alternatives.iter().any(|known| same_word(known, word)) && rest(parts, words)
                    })
                }
            }
        }
        rest(&self.parts, words)
    }
}

fn same_word(known: &str, word: &str) -> bool {
    match known.strip_suffix('*') {
        Some(prefix) => word.starts_with(prefix),
        None => known == word,
    }
}

/// Whether a folded word is one that tells a symptom, and so is no name by itself.
pub(super) fn is_symptom_word(word: &str) -> bool {
    TABLE.words.contains(word) || TABLE.prefixes.iter().any(|prefix| word.starts_with(prefix))
}

/// The symptoms a description tells, in the order of [`Symptom`].
pub(super) fn symptoms(tokens: &[Token]) -> Vec<Symptom> {
    let mut found = BTreeSet::new();
    let meant: Vec<Token> = tokens
        .iter()
        .enumerate()
        .filter(|(index, _)| !super::negation::is_for_later(tokens, *index))
        .map(|(_, token)| token.clone())
        .collect();
    let expanded = expand(&meant);
    for clause in expanded.chunk_by(|a, b| a.0 == b.0) {
        let words: Vec<&str> = clause.iter().map(|(_, word)| word.as_str()).collect();
        for (index, word) in words.iter().enumerate() {
            // "0/3 nodes are available" counts nodes that fit, not pods that are ready.
            if words.get(index + 1).is_none_or(|next| !next.starts_with("node")) {
                fractions(word, &mut found);
            }
            let (Some(before), Some(here)) = (words.get(..index), words.get(index..)) else { continue };
            let denied = is_denied(before);
            for phrase in TABLE.candidates(word) {
                if (phrase.denies || !denied) && phrase.matches(here) {
                    found.insert(phrase.symptom);
                }
            }
        }
    }
    found.into_iter().collect()
}

/// Whether the words before deny what follows: "no errors", "without any", "nothing looks like an".
fn is_denied(before: &[&str]) -> bool {
    let near = before.iter().rev().take(2).any(|word| DENIALS.contains(word));
    near || before.iter().rev().take(7).any(|word| *word == "nothing")
}

/// Words by clause; words in camel case and hyphenated ordinary words also in their parts.
fn expand(tokens: &[Token]) -> Vec<(usize, String)> {
    let mut words = Vec::with_capacity(tokens.len());
    for token in tokens {
        words.push((token.clause, token.folded.clone()));
        if TABLE.words.contains(token.folded.as_str()) {
            // `ImagePullBackOff` is one symptom, not also "back off".
        } else if let Some(parts) = camel_words(&token.text) {
            words.extend(parts.into_iter().map(|part| (token.clause, part)));
        } else if let Some(parts) = ordinary_parts(&token.folded) {
            words.extend(parts.into_iter().map(|part| (token.clause, part)));
        } else if let Some((before, after)) =
            token.folded.split_once(':').filter(|(_, after)| !after.contains('/'))
        {
            words.extend([before, after].map(|part| (token.clause, part.to_owned())));
        }
    }
    words
}

/// The parts of a hyphenated word, where all of them are ordinary words: `crash-looping`.
pub(super) fn ordinary_parts(word: &str) -> Option<Vec<String>> {
    let parts: Vec<String> = word.split(['-', '/', '_', '.']).map(str::to_owned).collect();
    let ordinary = |part: &String| words::class_of(part) == words::WordClass::Ordinary;
    (parts.len() > 1 && word.chars().any(char::is_alphabetic) && parts.iter().all(ordinary)).then_some(parts)
}

/// `0/3` tells pods that are not ready, `Init:0/1` init containers that have not run.
fn fractions(word: &str, found: &mut BTreeSet<Symptom>) {
    let (prefix, fraction) = word.rsplit_once(':').unwrap_or(("", word));
    let Some((ready, wanted)) = fraction.split_once('/') else { return };
    let (Ok(ready), Ok(wanted)) = (ready.parse::<u32>(), wanted.parse::<u32>()) else { return };
    if prefix == "init" {
        found.insert(Symptom::Initializing);
    } else if ready < wanted {
        found.insert(Symptom::NotReady);
    }
}
