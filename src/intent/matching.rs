//! Compares one name as typed with the names that exist, from the same name down to a typo.
//!
//! Conservative: an object that is not meant costs more than one that is missed, because what is
//! not found is reported with the closest names.

use super::catalog::{Catalog, Entry};
use super::text::{name_parts, squash};
use super::words;
use crate::cluster::object::{Kind, ObjectRef};
use crate::cluster::topology::{Topology, owner_by_name};

/// How a name was matched, best first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Quality {
    /// The same name.
    Exact,
    /// The same but for hyphens, spaces, capitals or a plural.
    Variant,
    /// The name of a pod, ReplicaSet or Job that the object made.
    Owner,
    /// The value of its `app` label.
    App,
    /// The parts that tell it from others.
    Parts,
    /// The beginning of the name.
    Prefix,
    /// One part of the name that no other object has.
    Part,
    /// A typo away.
    Typo,
}

impl Quality {
    /// Whether the name can mean nothing else.
    pub(super) fn is_exact(self) -> bool {
        self <= Self::Owner
    }
}

/// Which entries may be meant, such as those of a namespace.
pub(super) type Allow<'f> = &'f dyn Fn(&Entry) -> bool;

/// Names longer than this are no Kubernetes names.
const MAX_NAME: usize = 253;
/// More objects than this behind a shortened name mean that the word is no name.
const MAX_MATCHES: usize = 3;
/// The alphabet of generated suffixes: no vowels, no digits that look like letters.
const SUFFIX_ALPHABET: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";

/// Looks for one name among the entries that are allowed.
pub(super) struct Matcher<'c, 't, 's> {
    pub catalog: &'c Catalog,
    pub topology: &'t Topology<'s>,
}

impl Matcher<'_, '_, '_> {
    /// Entries of exactly this name.
    pub(super) fn exact(&self, name: &str, allow: Allow<'_>) -> Vec<usize> {
        self.allowed(self.catalog.find_name(&name.to_lowercase()), allow)
    }

    /// The best match, by any means that suits a name of its own; `loose` allows parts of names.
    pub(super) fn best(&self, name: &str, loose: bool, allow: Allow<'_>) -> Option<(Quality, Vec<usize>)> {
        if name.len() > MAX_NAME {
            return None;
        }
        let lower = name.to_lowercase();
        let steps: [(Quality, &dyn Fn() -> Vec<usize>); 9] = [
            (Quality::Exact, &|| self.exact(&lower, allow)),
            (Quality::Variant, &|| self.variants(&lower, allow)),
            (Quality::Owner, &|| self.owners(&lower, allow)),
            (Quality::App, &|| self.limited(self.allowed(self.catalog.find_app(&lower), allow))),
            (Quality::Parts, &|| self.limited(self.glued(&squash(&lower), allow))),
            (Quality::Parts, &|| self.limited(self.same_core(&lower, allow))),
            (Quality::Prefix, &|| self.limited(self.prefix(&lower, allow))),
            (Quality::Part, &|| if loose { self.single_part(&lower, allow) } else { Vec::new() }),
            (Quality::Typo, &|| self.limited(self.typos(&lower, allow))),
        ];
        steps.iter().map(|(quality, find)| (*quality, find())).find(|(_, found)| !found.is_empty())
    }

    fn allowed(&self, entries: &[usize], allow: Allow<'_>) -> Vec<usize> {
        entries.iter().copied().filter(|index| self.catalog.get(*index).is_some_and(allow)).collect()
    }

    /// Nothing where too many objects match; objects of one name count once.
    fn limited(&self, entries: Vec<usize>) -> Vec<usize> {
        if self.names(&entries) > MAX_MATCHES { Vec::new() } else { entries }
    }

    /// How many names the entries have, namespaces aside.
    fn names(&self, entries: &[usize]) -> usize {
        let mut names: Vec<&str> = entries
            .iter()
            .filter_map(|index| self.catalog.get(*index))
            .map(|entry| &*entry.object.name)
            .collect();
        names.sort_unstable();
        names.dedup();
        names.len()
    }

    fn variants(&self, name: &str, allow: Allow<'_>) -> Vec<usize> {
        let squashed = squash(name);
        let found = self.allowed(self.catalog.find_squashed(&squashed), allow);
        if !found.is_empty() || squashed.len() < 4 {
            return found;
        }
        inflections(&squashed)
            .into_iter()
            .map(|form| self.allowed(self.catalog.find_squashed(&form), allow))
            .find(|found| !found.is_empty())
            .unwrap_or_default()
    }

    /// Names that have a generic noun glued on: "cart" for `cartservice`.
    pub(super) fn glued(&self, squashed: &str, allow: Allow<'_>) -> Vec<usize> {
        if squashed.chars().count() < 3 || words::is_weak(squashed) {
            return Vec::new();
        }
        let mut forms = vec![squashed.to_owned()];
        forms.extend(inflections(squashed));
        let nouns = ["service", "svc", "server", "app"];
        forms
            .iter()
            .flat_map(|squashed| nouns.iter().map(move |noun| (squashed, noun)))
            .map(|(squashed, noun)| {
                self.allowed(self.catalog.find_squashed(&format!("{squashed}{noun}")), allow)
            })
            .find(|found| !found.is_empty())
            .unwrap_or_default()
    }

    /// What made a pod, ReplicaSet or Job that is gone, by the name it left.
    fn owners(&self, name: &str, allow: Allow<'_>) -> Vec<usize> {
        let Some((stem, suffix)) = name.rsplit_once('-') else { return Vec::new() };
        let state = self.topology.state();
        let mut found = Vec::new();
        for namespace in self.catalog.namespaces() {
            let generated =
                |length| (length..=10).contains(&suffix.len()) && suffix.bytes().all(is_generated);
            let owner = owner_by_name(state, namespace, name)
                .or_else(|| {
                    let replica_set =
                        generated(8).then(|| state.workload(&Kind::Deployment, namespace, stem))?;
                    replica_set.map(crate::cluster::types::Object::object_ref)
                })
                .or_else(|| {
                    // A CronJob names its Jobs by the minute they were due.
                    let minute = suffix.len() >= 8 && suffix.bytes().all(|byte| byte.is_ascii_digit());
                    let cron_job = minute.then(|| state.workload(&Kind::CronJob, namespace, stem))?;
                    cron_job.map(crate::cluster::types::Object::object_ref)
                });
            found.extend(owner.and_then(|owner| self.entry_of(&owner)));
        }
        found.retain(|index| self.catalog.get(*index).is_some_and(allow));
        found
    }

    fn entry_of(&self, object: &ObjectRef) -> Option<usize> {
        let known = self.catalog.find_name(&object.name.to_lowercase());
        known
            .iter()
            .copied()
            .find(|index| self.catalog.get(*index).is_some_and(|entry| entry.named == *object))
    }

    /// Names whose telling parts are the same: "sweeper" and `session-sweeper`, "cart-svc" and `cart-api`.
    fn same_core(&self, name: &str, allow: Allow<'_>) -> Vec<usize> {
        let parts = name_parts(name);
        let core: Vec<&String> = parts.iter().filter(|part| !words::is_filler(part)).collect();
        let Some(first) = core.first() else { return Vec::new() };
        let candidates = self.with_inflected(first);
        let fits = |entry: &Entry| {
            let same = |part: &str| entry.core.iter().any(|own| same_word(own, part));
            entry.core.len() == core.len()
                && core.iter().all(|part| same(part))
                // "cart-db" is not `cart-api`, "web-2" not `web-1`.
                && parts.iter().filter(|part| words::is_filler(part)).all(|part| {
                    words::kind_of(part).is_some()
                        || matches!(part.as_str(), "app" | "application")
                        || entry.parts.contains(part)
                })
        };
        self.allowed(&candidates, &|entry| allow(entry) && fits(entry))
    }

    /// Names that begin with all parts of this one.
    fn prefix(&self, name: &str, allow: Allow<'_>) -> Vec<usize> {
        let mut parts = name_parts(name);
        // "resize-job" is how people write "the resize job".
        if parts.len() > 1 && parts.last().is_some_and(|last| words::kind_of(last).is_some()) {
            parts.pop();
        }
        let Some((first, rest)) = parts.split_first() else { return Vec::new() };
        if squash(name).chars().count() < 3 {
            return Vec::new();
        }
        let fits = |entry: &Entry| {
            entry.parts.split_first().is_some_and(|(own, others)| {
                same_word(own, first)
                    && others.len() >= rest.len()
                    && others.iter().zip(rest).all(|(a, b)| a == b)
            })
        };
        self.allowed(&self.with_inflected(first), &|entry| allow(entry) && fits(entry))
    }

    /// The one name that has this word as a part.
    fn single_part(&self, name: &str, allow: Allow<'_>) -> Vec<usize> {
        if name.chars().count() < 5 || words::is_filler(name) {
            return Vec::new();
        }
        let found = self.allowed(&self.with_inflected(name), allow);
        if self.names(&found) == 1 { found } else { Vec::new() }
    }

    fn with_inflected(&self, part: &str) -> Vec<usize> {
        let mut found = self.catalog.with_part(part).to_vec();
        for form in inflections(part) {
            found.extend_from_slice(self.catalog.with_part(&form));
        }
        found.sort_unstable();
        found.dedup();
        found
    }

    /// Names a slip of the finger away; of several, those that are nearest.
    fn typos(&self, name: &str, allow: Allow<'_>) -> Vec<usize> {
        let parts = name_parts(name);
        let squashed = squash(name);
        if squashed.chars().count() < 5 {
            return Vec::new();
        }
        let mut best = usize::MAX;
        let mut found = Vec::new();
        for (index, entry) in self.catalog.entries() {
            // Whole names end in generated letters, where every letter counts.
            if entry.parts.is_empty() || entry.named.name.len().abs_diff(name.len()) > 2 || !allow(entry) {
                continue;
            }
            let Some(distance) = typo_distance(&parts, &squashed, entry) else { continue };
            if distance < best {
                best = distance;
                found.clear();
            }
            if distance == best {
                found.push(index);
            }
        }
        found
    }
}

fn is_generated(byte: u8) -> bool {
    SUFFIX_ALPHABET.contains(&byte)
}

/// Distance between a name and an entry's, if a slip can explain it.
fn typo_distance(parts: &[String], squashed: &str, entry: &Entry) -> Option<usize> {
    if parts.len() == entry.parts.len() {
        let distances = parts.iter().zip(&entry.parts).map(|(typed, own)| slip(typed, own));
        return distances.sum::<Option<usize>>().filter(|distance| *distance <= 2);
    }
    let own = squash(&entry.named.name);
    slip(squashed, &own).filter(|_| own.chars().count() >= 8)
}

/// How many slips of the finger turn one word into the other; none if it takes too many.
fn slip(typed: &str, own: &str) -> Option<usize> {
    if typed == own {
        return Some(0);
    }
    let length = typed.chars().count().min(own.chars().count());
    let digits = |word: &str| word.chars().filter(char::is_ascii_digit).collect::<String>();
    if length < 5 || digits(typed) != digits(own) || typed.chars().next() != own.chars().next() {
        return None;
    }
    let distance = strsim::osa_distance(typed, own);
    (distance <= if length >= 9 { 2 } else { 1 }).then_some(distance)
}

/// The singular or plural of a word.
pub(super) fn inflections(word: &str) -> Vec<String> {
    let mut forms = vec![format!("{word}s")];
    if let Some(stem) = word.strip_suffix("ies") {
        forms.push(format!("{stem}y"));
    }
    if let Some(stem) = word.strip_suffix("es") {
        forms.push(stem.to_owned());
    }
    if let Some(stem) = word.strip_suffix('s').filter(|stem| stem.len() >= 3) {
        forms.push(stem.to_owned());
    }
    if let Some(stem) = word.strip_suffix('y') {
        forms.push(format!("{stem}ies"));
    }
    forms
}

/// Whether two words are the same but for number.
pub(super) fn same_word(a: &str, b: &str) -> bool {
    a == b || inflections(a).iter().any(|form| form == b)
}

/// How near a name that exists is to one that does not, 0 to 1.
pub(super) fn nearness(typed: &str, own: &str) -> f64 {
    let (typed, own) = (typed.to_lowercase(), own.to_lowercase());
    let shared = {
        let own = name_parts(&own);
        let typed = name_parts(&typed);
        let same = typed.iter().filter(|part| !words::is_filler(part) && own.contains(part)).count();
        let all = typed.len().max(own.len()).max(1);
        if same == 0 { 0.0 } else { 0.8 + 0.2 * (same as f64 / all as f64) }
    };
    let (a, b) = (squash(&typed), squash(&own));
    let (short, long) = if a.len() <= b.len() { (&a, &b) } else { (&b, &a) };
    let contained = if short.len() >= 4 && long.contains(short.as_str()) { 0.85 } else { 0.0 };
    strsim::jaro_winkler(&typed, &own).max(shared).max(contained)
}
