//! Turns mentions into hits: entries of the catalog that a name, or words together, mean.

use std::collections::BTreeMap;

use super::catalog::{Catalog, Entry, Rank};
use super::matching::{Allow, Matcher, Quality, same_word};
use super::parse::{NameForm, NameMention, ParsedIntent, Word};
use super::text::{fold, squash};
use super::words::{self, WordClass};
use crate::cluster::object::Kind;
use crate::cluster::topology::Topology;

/// Most words that a name is put together from.
const LONGEST_PHRASE: usize = 4;
/// Words of a description that may be put together: a pasted log is no sentence.
const MAX_PHRASE_WORDS: usize = 400;
/// Names of a description that are looked up by likeness; the rest only as they are.
const MAX_LIKENESS: usize = 64;

/// Entries that a part of the description means.
#[derive(Clone, Debug)]
pub(super) struct Hit {
    /// Index of the first word.
    pub word: usize,
    /// The words as typed.
    pub text: String,
    /// How they were matched.
    pub quality: Quality,
    /// What they mean.
    pub entries: Vec<usize>,
    /// Whether the words can hardly mean anything but an object.
    pub strong: bool,
    /// Whether they stand where a place stands: "in shop".
    pub place: bool,
    /// The kind said beside the name.
    pub kind: Option<Kind>,
}

/// Resolves the mentions of one description.
pub(super) struct Resolver<'c, 't, 's> {
    pub matcher: Matcher<'c, 't, 's>,
}

impl<'c, 't, 's> Resolver<'c, 't, 's> {
    pub(super) fn new(catalog: &'c Catalog, topology: &'t Topology<'s>) -> Self {
        Self { matcher: Matcher { catalog, topology } }
    }

    fn entry(&self, index: usize) -> Option<&Entry> {
        self.matcher.catalog.get(index)
    }

    /// What each mention means; `exact_only` outside the namespaces the complaint is about.
    pub(super) fn mention(
        &self,
        mention: &NameMention,
        number: usize,
        exact_only: bool,
        allow: Allow<'_>,
    ) -> Option<Hit> {
        let in_namespace = |entry: &Entry| {
            mention.namespace.as_deref().is_none_or(|namespace| entry.named.ns() == namespace.to_lowercase())
        };
        let ranked = |entry: &Entry| in_namespace(entry) && allow(entry) && may_mean(entry, mention);
        // "db-migrate" may be short for a longer name although its parts are words; "migrate" is not.
        let whole = match mention.form {
            NameForm::Generic => true,
            NameForm::Ordinary => !mention.text.contains(['-', '_']),
            _ => false,
        };
        let loose = matches!(mention.form, NameForm::Word | NameForm::Adjacent);
        let (quality, mut entries) = if mention.form == NameForm::Host {
            self.host(&mention.text, &ranked)?
        } else if whole || exact_only || number >= MAX_LIKENESS {
            (Quality::Exact, self.matcher.exact(&mention.text, &ranked))
        } else {
            let found = self.matcher.best(&mention.text, loose, &ranked)?;
            if mention.form == NameForm::Ordinary && found.0 > Quality::Prefix {
                return None;
            }
            found
        };
        self.prefer(&mut entries, mention);
        let likely = match mention.form {
            NameForm::Stated | NameForm::NameLike | NameForm::Host | NameForm::Adjacent => true,
            NameForm::Word | NameForm::Ordinary => quality.is_exact(),
            NameForm::Generic => mention.kind.is_some() || !words::is_weak(&fold(&mention.text)),
        };
        (!entries.is_empty()).then(|| Hit {
            word: mention.word,
            text: mention.text.clone(),
            quality,
            entries,
            strong: likely,
            place: mention.place,
            kind: mention.kind.clone(),
        })
    }

    /// What serves a host, or is named like one, else who is configured to call it.
    fn host(&self, host: &str, allow: Allow<'_>) -> Option<(Quality, Vec<usize>)> {
        let catalog = self.matcher.catalog;
        let served: Vec<usize> = catalog.find_host(host).to_vec();
        let served: Vec<usize> =
            served.into_iter().filter(|index| self.entry(*index).is_some_and(allow)).collect();
        if !served.is_empty() {
            return Some((Quality::Exact, served));
        }
        let named = self.matcher.exact(host, allow);
        if !named.is_empty() {
            return Some((Quality::Exact, named));
        }
        // `redis.shop` inside the cluster, or a node by the first label of its host name.
        let (name, rest) = host.split_once('.')?;
        let named = self.matcher.exact(name, &|entry: &Entry| {
            (entry.named.kind == Kind::Node || entry.named.ns() == rest) && allow(entry)
        });
        if !named.is_empty() {
            return Some((Quality::Variant, named));
        }
        let mut callers: Vec<usize> = Vec::new();
        for call in self.matcher.topology.calls().iter().filter(|call| call.address.host == host) {
            let known = catalog.find_name(&call.caller.name.to_lowercase());
            callers.extend(known.iter().filter(|index| {
                self.entry(**index).is_some_and(|entry| entry.named == call.caller && allow(entry))
            }));
        }
        callers.sort_unstable();
        callers.dedup();
        (!callers.is_empty()).then_some((Quality::Part, callers))
    }

    /// Of several objects of one name, those of the kind that is said, else the ones that do the work.
    fn prefer(&self, entries: &mut Vec<usize>, mention: &NameMention) {
        let rank = |index: &usize| self.entry(*index).map_or(Rank::Whole, |entry| entry.rank);
        let of_kind = |index: &usize| {
            self.entry(*index).is_some_and(|entry| match &mention.kind {
                Some(Kind::Service) => entry.named.kind == Kind::Service || entry.named.kind.is_workload(),
                Some(Kind::Pod) => entry.named.kind == Kind::Pod || entry.named.kind.is_workload(),
                Some(Kind::Job) => matches!(entry.named.kind, Kind::Job | Kind::CronJob),
                Some(kind) => entry.named.kind == *kind,
                None => false,
            })
        };
        if entries.iter().any(of_kind) {
            entries.retain(of_kind);
            return;
        }
        if entries.iter().any(|index| rank(index) != Rank::Secondary) {
            entries.retain(|index| rank(index) != Rank::Secondary);
        }
    }

    /// Names of several words: "tax engine", "mongo backup", "front end".
    pub(super) fn phrases(&self, parsed: &ParsedIntent, allow: Allow<'_>) -> Vec<(Hit, Vec<usize>)> {
        let words: Vec<(usize, &Word, String)> = parsed
            .words
            .iter()
            .take(MAX_PHRASE_WORDS)
            .enumerate()
            .map(|(index, word)| (index, word, fold(word.text.strip_suffix("'s").unwrap_or(&word.text))))
            .collect();
        let mut hits = self.joined(&words, allow);
        hits.extend(self.scattered(&words, allow));
        // The longest first; of the rest what does not reuse its words.
        hits.sort_by_key(|(hit, used)| (std::cmp::Reverse(used.len()), hit.quality, hit.word));
        let mut kept: Vec<(Hit, Vec<usize>)> = Vec::new();
        for (hit, used) in hits {
            if !kept.iter().any(|(_, other)| other.iter().any(|word| used.contains(word))) {
                kept.push((hit, used));
            }
        }
        kept
    }

    /// Words in a row that together are a name.
    fn joined(&self, words: &[(usize, &Word, String)], allow: Allow<'_>) -> Vec<(Hit, Vec<usize>)> {
        let mut hits = Vec::new();
        for length in 2..=LONGEST_PHRASE {
            for window in words.windows(length) {
                let same_clause = window.iter().all(|(_, word, _)| {
                    window.first().is_some_and(|(_, first, _)| first.clause == word.clause)
                });
                let telling = window
                    .iter()
                    .any(|(_, word, _)| matches!(word.class, WordClass::Name | WordClass::Generic));
                if !same_clause || !telling {
                    continue;
                }
                let key: String = window.iter().map(|(_, _, folded)| squash(folded)).collect();
                let found = self.matcher.catalog.find_squashed(&key).iter().copied();
                let entries: Vec<usize> = found
                    .filter(|index| self.entry(*index).is_some_and(|e| e.rank == Rank::Primary && allow(e)))
                    .collect();
                let primary = |entry: &Entry| entry.rank == Rank::Primary && allow(entry);
                let (quality, entries) = if entries.is_empty() {
                    (Quality::Parts, self.matcher.glued(&key, &primary))
                } else {
                    (Quality::Variant, entries)
                };
                hits.extend(self.phrase(window, entries, quality));
            }
        }
        hits
    }

    fn phrase(
        &self,
        window: &[(usize, &Word, String)],
        entries: Vec<usize>,
        quality: Quality,
    ) -> Option<(Hit, Vec<usize>)> {
        let (word, _, _) = window.first()?;
        let text = window.iter().map(|(_, word, _)| word.text.as_str()).collect::<Vec<_>>().join(" ");
        let hit = Hit { word: *word, text, quality, entries, strong: true, place: false, kind: None };
        (!hit.entries.is_empty()).then(|| (hit, window.iter().map(|(index, ..)| *index).collect()))
    }

    /// Names all of whose telling parts stand near each other, in any order and number.
    fn scattered(&self, words: &[(usize, &Word, String)], allow: Allow<'_>) -> Vec<(Hit, Vec<usize>)> {
        let mut found: BTreeMap<Vec<usize>, Vec<(usize, usize)>> = BTreeMap::new();
        for clause in words.chunk_by(|a, b| a.1.clause == b.1.clause) {
            for (at, (_, word, folded)) in clause.iter().enumerate() {
                if matches!(word.class, WordClass::Ordinary | WordClass::Kind) {
                    continue;
                }
                for index in self.entries_with(folded) {
                    let Some(entry) = self.entry(index).filter(|e| e.rank == Rank::Primary && allow(e))
                    else {
                        continue;
                    };
                    if let Some((used, matched)) = fit(entry, clause, at) {
                        let entries = found.entry(used).or_default();
                        if !entries.iter().any(|(known, _)| *known == index) {
                            entries.push((index, matched));
                        }
                    }
                }
            }
        }
        let mut hits = Vec::new();
        for (used, entries) in found {
            let best = entries.iter().map(|(_, matched)| *matched).max().unwrap_or(0);
            let entries: Vec<usize> =
                entries.into_iter().filter(|(_, matched)| *matched == best).map(|(index, _)| index).collect();
            let window: Vec<(usize, &Word, String)> =
                words.iter().filter(|(index, ..)| used.contains(index)).cloned().collect();
            hits.extend(self.phrase(&window, entries, Quality::Parts));
        }
        hits
    }

    /// Entries with a part that a word may stand for.
    fn entries_with(&self, word: &str) -> Vec<usize> {
        let catalog = self.matcher.catalog;
        let mut found = catalog.with_part(word).to_vec();
        for form in super::matching::inflections(word) {
            found.extend_from_slice(catalog.with_part(&form));
        }
        // Shortened in the name ("recommendation" for `recommend`), or longer there.
        let stem: String = word.chars().take(5).collect();
        if stem.chars().count() == 5 {
            let longer = catalog.parts_from(&stem).filter(|(part, _)| same_stem(part, word));
            found.extend(longer.flat_map(|(_, entries)| entries.iter().copied()));
        }
        found.sort_unstable();
        found.dedup();
        found
    }
}

/// Whether an entry may be what a mention means, seen alone.
fn may_mean(entry: &Entry, mention: &NameMention) -> bool {
    match entry.rank {
        Rank::Primary | Rank::Whole => {
            // "deployment web" is not the namespace of that name.
            entry.named.kind != Kind::Namespace || mention.kind.is_none()
        }
        Rank::Secondary => {
            mention.kind.as_ref() == Some(&entry.named.kind)
                || matches!(mention.form, NameForm::Stated | NameForm::NameLike)
                    && is_read_by_name(&entry.named.kind)
        }
    }
}

/// Kinds that a person may name without saying the kind.
fn is_read_by_name(kind: &Kind) -> bool {
    !matches!(
        kind,
        Kind::ServiceAccount | Kind::Role | Kind::RoleBinding | Kind::ClusterRole | Kind::ClusterRoleBinding
    )
}

/// Whether two words share a stem: one begins with the other and is a little longer.
fn same_stem(a: &str, b: &str) -> bool {
    let (short, long) = if a.len() <= b.len() { (a, b) } else { (b, a) };
    short.chars().count() >= 5 && long.starts_with(short) && long.len() - short.len() <= 4
}

/// Whether the words around one spell an entry's name: which words, and how many parts they match.
fn fit(entry: &Entry, clause: &[(usize, &Word, String)], at: usize) -> Option<(Vec<usize>, usize)> {
    // Two words of slack: "the backup of mongo".
    let reach = entry.parts.len() + 2;
    let near = clause.get(at..(at + reach).min(clause.len()))?;
    let mut used: Vec<(usize, bool)> = Vec::new();
    let mut matched = 0;
    let mut inexact = false;
    let mut telling = 0;
    for part in &entry.parts {
        let free = |index: &usize| !used.iter().any(|(known, _)| known == index);
        let same = near.iter().find(|(index, _, folded)| free(index) && same_word(folded, part));
        let like = || near.iter().find(|(index, _, folded)| free(index) && same_stem(folded, part));
        let is_core = entry.core.contains(part);
        let Some((index, word, folded)) = same.or_else(like) else {
            if is_core {
                return None;
            }
            continue;
        };
        inexact |= !same_word(folded, part);
        telling += usize::from(is_core && word.class != WordClass::Ordinary);
        used.push((*index, is_core));
        matched += 1;
    }
    // One word alone is no phrase, and a likeness needs a part that is the same.
    let enough = matched >= 2 && telling >= 1 && (telling >= 2 || !inexact || matched > telling);
    let begins = clause.get(at).is_some_and(|(index, ..)| used.iter().any(|(word, _)| word == index));
    if !enough || !begins {
        return None;
    }
    let mut words: Vec<usize> = used.into_iter().map(|(index, _)| index).collect();
    words.sort_unstable();
    let place = clause.iter().any(|(index, word, _)| {
        words.first() < Some(index)
            && Some(index) < words.last()
            && matches!(fold(&word.text).as_str(), "in" | "from")
    });
    (!place).then_some((words, matched))
}
