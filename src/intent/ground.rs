//! Grounds what a description names in what the cluster has.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::catalog::{Catalog, Entry, Rank};
use super::matching::{Quality, nearness};
use super::meanings;
use super::parse::{ARTICLES, NameForm, NameMention, ParsedIntent, Word};
use super::resolve::{Hit, Resolver};
use super::text::fold;
use super::time;
use super::words::{WordClass, class_of, is_filler, is_weak};
use crate::cluster::object::{Kind, ObjectRef};
use crate::cluster::topology::Topology;
use crate::report::model::{Ambiguous, IntentInfo, IntentObject, NotFound};
use crate::symptom::Symptom;

/// Names offered for one that does not exist.
const MAX_CLOSEST: usize = 3;
/// Names reported as not found: a pasted log is full of them.
const MAX_NOT_FOUND: usize = 10;
/// How near a name must be to be offered, 0 to 1.
const CLOSE: f64 = 0.82;

/// A time window; an open end is none.
pub type Window = (Option<Timestamp>, Option<Timestamp>);

/// What a description means in this cluster.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct GroundedIntent {
    /// The objects it is about, in the order named; pods and ReplicaSets as their workload.
    pub objects: Vec<GroundedObject>,
    /// Namespaces it is about: those it names, else the scope; empty: all.
    pub namespaces: Vec<String>,
    /// Names that nothing has.
    pub not_found: Vec<NotFound>,
    /// Names that several objects have; all are in `objects` too.
    pub ambiguous: Vec<Ambiguous>,
    /// Symptoms it tells, in the order of [`Symptom`].
    pub symptoms: Vec<Symptom>,
    /// Whether it names nothing at all: "is anything wrong here?".
    pub names_nothing: bool,
    /// When it began or happened. For ranking only.
    pub window: Option<Window>,
    /// Objects that it says are not meant.
    pub negated: Vec<ObjectRef>,
    /// Whether it asks if something is over.
    pub resolved_hint: bool,
    /// Its words that may be part of a name and say which.
    pub telling: Vec<String>,
    /// Parts of names that mean what its words mean.
    pub meanings: Vec<&'static str>,
    /// Who read it: `builtin`, the name of another parser, or `merged`; empty: `builtin`.
    pub parser: &'static str,
    /// What another parser gave: field and parser.
    pub given_by: BTreeMap<String, String>,
    /// Names that another parser gave and nothing has.
    pub dropped: Vec<String>,
}

/// An object that a description names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroundedObject {
    /// The object.
    pub object: ObjectRef,
    /// The words that named it.
    pub matched: String,
    /// Whether the words are its name, or that of a pod it made, and not just like it.
    pub exact: bool,
}

impl GroundedIntent {
    /// Whether it names an object that is more than a namespace.
    pub fn names_an_object(&self) -> bool {
        self.objects.iter().any(|grounded| grounded.object.kind != Kind::Namespace)
    }

    /// How the description was understood, for the report; `since` is an ISO 8601 duration.
    pub fn info(&self, since: &str) -> IntentInfo {
        IntentInfo {
            parser: if self.parser.is_empty() { "builtin" } else { self.parser }.to_owned(),
            given_by: self.given_by.clone(),
            dropped: self.dropped.clone(),
            namespaces: self.namespaces.clone(),
            objects: self
                .objects
                .iter()
                .map(|grounded| IntentObject {
                    kind: grounded.object.kind.to_string(),
                    namespace: grounded.object.namespace.as_deref().map(str::to_owned),
                    name: grounded.object.name.to_string(),
                    matched: grounded.matched.clone(),
                })
                .collect(),
            not_found: self.not_found.clone(),
            ambiguous: self.ambiguous.clone(),
            symptoms: self.symptoms.clone(),
            since: since.to_owned(),
        }
    }
}

/// Grounds a parsed description. `scope_namespaces` is where the complaint is (`-n`); empty: anywhere.
pub fn ground(
    parsed: &ParsedIntent,
    topology: &Topology<'_>,
    scope_namespaces: &[String],
    now: Timestamp,
) -> GroundedIntent {
    let catalog = Catalog::new(topology);
    let mut grounder = Grounder {
        parsed,
        resolver: Resolver::new(&catalog, topology),
        catalog: &catalog,
        scope: scope_namespaces,
        described: Vec::new(),
        not_found: Vec::new(),
    };
    grounder.described_namespaces();
    let hits = grounder.hits();
    let negated = grounder.negated(&hits);
    let mut intent = GroundedIntent {
        symptoms: parsed.symptoms.clone(),
        window: parsed.time.as_ref().and_then(|mention| time::window(mention, now)),
        resolved_hint: parsed.resolved_hint,
        telling: meant(parsed).flat_map(|word| telling(&word.text)).collect(),
        meanings: meanings::of(&parsed.words),
        negated,
        ..GroundedIntent::default()
    };
    grounder.objects(hits, &mut intent);
    node_symptoms(&mut intent);
    intent.names_nothing =
        intent.objects.is_empty() && grounder.described.is_empty() && grounder.not_found.is_empty();
    intent.namespaces =
        if grounder.described.is_empty() { scope_namespaces.to_vec() } else { grounder.described };
    intent.not_found = grounder.not_found;
    intent
}

struct Grounder<'p, 'c, 't, 's> {
    parsed: &'p ParsedIntent,
    catalog: &'c Catalog,
    resolver: Resolver<'c, 't, 's>,
    scope: &'p [String],
    described: Vec<String>,
    not_found: Vec<NotFound>,
}

impl Grounder<'_, '_, '_, '_> {
    /// Namespaces that the description calls so.
    fn described_namespaces(&mut self) {
        for mention in &self.parsed.namespaces {
            let only_namespaces = |entry: &Entry| entry.named.kind == Kind::Namespace;
            let matcher = &self.resolver.matcher;
            let exact = matcher.exact(&mention.text, &only_namespaces);
            let found = if exact.is_empty() && mention.certain {
                matcher
                    .best(&mention.text, false, &only_namespaces)
                    .map(|(_, entries)| entries)
                    .unwrap_or_default()
            } else {
                exact
            };
            let names: Vec<String> = found
                .iter()
                .filter_map(|index| self.catalog.get(*index))
                .map(|e| e.named.name.to_string())
                .collect();
            if names.is_empty() && mention.certain {
                let closest = self.closest(&mention.text, &only_namespaces);
                self.not_found.push(NotFound { text: mention.text.clone(), closest });
            }
            for name in names {
                self.describe(name);
            }
        }
    }

    fn describe(&mut self, namespace: String) {
        if !self.described.contains(&namespace) {
            self.described.push(namespace);
        }
    }

    /// Where the complaint is: the namespaces it names, else the scope; empty: anywhere.
    fn home(&self) -> &[String] {
        if self.described.is_empty() { self.scope } else { &self.described }
    }

    fn is_home(&self, entry: &Entry) -> bool {
        let home = self.home();
        let namespace =
            if entry.named.kind == Kind::Namespace { &*entry.named.name } else { entry.named.ns() };
        home.is_empty() || namespace.is_empty() || home.iter().any(|name| name == namespace)
    }

    /// What the mentions mean, in the order of the description.
    fn hits(&mut self) -> Vec<Hit> {
        let (mut hits, open) = {
            let allow = |entry: &Entry| self.is_home(entry);
            let phrases = self.resolver.phrases(self.parsed, &allow);
            let used: Vec<usize> = phrases.iter().flat_map(|(_, used)| used.iter().copied()).collect();
            let mut hits: Vec<Hit> = phrases.into_iter().map(|(hit, _)| hit).collect();
            let negated: Vec<usize> = self.parsed.negated.iter().map(|mention| mention.word).collect();
            hits.retain(|hit| !negated.contains(&hit.word));
            let mut open: Vec<(usize, &NameMention)> = Vec::new();
            for (number, mention) in self.parsed.names.iter().enumerate() {
                if used.contains(&mention.word) {
                    continue;
                }
                match self.resolver.mention(mention, number, false, &allow) {
                    Some(hit) => hits.push(hit),
                    None => open.push((number, mention)),
                }
            }
            // The scope is no wall: beside something found in it, whole names elsewhere count.
            let anchored = hits.iter().any(|hit| !self.is_namespace_only(hit));
            let everywhere = |_: &Entry| true;
            open.retain(|(number, mention)| {
                let place = !self.catalog.find_name(&mention.text.to_lowercase()).is_empty()
                    && self.catalog.namespaces().contains(&mention.text.to_lowercase())
                    && mention.form <= NameForm::Word;
                if !anchored && !place {
                    return true;
                }
                match self.resolver.mention(mention, *number, true, &everywhere) {
                    Some(hit) if anchored || self.is_namespace_only(&hit) => {
                        hits.push(hit);
                        false
                    }
                    _ => true,
                }
            });
            (hits, open.into_iter().map(|(_, mention)| mention.clone()).collect::<Vec<_>>())
        };
        hits.sort_by_key(|hit| hit.word);
        self.missing(&open, &hits);
        self.settle_namespaces(&mut hits);
        if hits.iter().any(|hit| hit.strong && !self.is_namespace_only(hit)) {
            hits.retain(|hit| hit.strong);
        }
        self.narrow(&mut hits);
        hits
    }

    fn is_namespace_only(&self, hit: &Hit) -> bool {
        hit.entries
            .iter()
            .all(|index| self.catalog.get(*index).is_some_and(|e| e.named.kind == Kind::Namespace))
    }

    /// Reports names that nothing has.
    fn missing(&mut self, open: &[NameMention], hits: &[Hit]) {
        for mention in open {
            let class = self.parsed.words.get(mention.word).map(|word| word.class);
            let expected = match mention.form {
                NameForm::Stated | NameForm::Host => true,
                // Names of objects are in lower case, but a sentence begins with a capital.
                NameForm::NameLike => !mention.text.chars().skip(1).any(char::is_uppercase),
                // "import job importer-weekly": the kind belongs to the name that was found.
                NameForm::Adjacent => {
                    class == Some(WordClass::Name)
                        && !hits.iter().any(|hit| hit.word.abs_diff(mention.word) <= 2)
                }
                // A plain word is missed where it names something in another namespace, or where the
                // complaint is about it and about nothing else.
                NameForm::Word | NameForm::Generic => {
                    hits.is_empty()
                        && (!self.home().is_empty() && self.is_elsewhere(mention) || self.is_subject(mention))
                }
                NameForm::Ordinary => false,
            };
            let text = match &mention.namespace {
                Some(namespace) => format!("{namespace}/{}", mention.text),
                None => mention.text.clone(),
            };
            if !expected
                || self.not_found.len() >= MAX_NOT_FOUND
                || self.not_found.iter().any(|known| known.text == text)
            {
                continue;
            }
            let closest = match mention.form {
                NameForm::Host => self.closest_hosts(&mention.text),
                _ => self.closest(&mention.text, &|entry: &Entry| match &mention.kind {
                    Some(kind) if entry.rank == Rank::Secondary => entry.named.kind == *kind,
                    _ => entry.rank == Rank::Primary && entry.named.kind != Kind::Namespace,
                }),
            };
            // A host like none in the cluster belongs to somebody else: nothing is missing here.
            if mention.form == NameForm::Host && closest.is_empty() {
                continue;
            }
            self.not_found.push(NotFound { text, closest });
        }
    }

    fn closest_hosts(&self, text: &str) -> Vec<String> {
        let near = |host: &'_ str| nearness(text, host);
        let mut hosts: Vec<&str> =
            self.catalog.hosts().into_iter().filter(|host| near(host) >= CLOSE).collect();
        hosts.sort_by(|a, b| near(b).total_cmp(&near(a)));
        hosts.into_iter().take(MAX_CLOSEST).map(str::to_owned).collect()
    }

    /// Whether the only word that nobody knows stands first: "billing is slow".
    fn is_subject(&self, mention: &NameMention) -> bool {
        let unknown = |word: &&Word| word.class == WordClass::Name;
        let (before, rest) = self.parsed.words.split_at(mention.word.min(self.parsed.words.len()));
        mention.text.chars().count() > 3
            && before.iter().all(|word| ARTICLES.contains(&word.text.to_lowercase().as_str()))
            && rest.first().is_some_and(|word| unknown(&word))
            && rest.iter().filter(unknown).count() == 1
    }

    fn is_elsewhere(&self, mention: &NameMention) -> bool {
        let name = mention.text.to_lowercase();
        !is_weak(&name)
            && self.catalog.find_name(&name).iter().any(|index| {
                self.catalog
                    .get(*index)
                    .is_some_and(|e| e.rank == Rank::Primary && e.named.kind != Kind::Namespace)
            })
    }

    /// The nearest names that exist, those at home first, others with their namespace.
    fn closest(&self, text: &str, allow: &dyn Fn(&Entry) -> bool) -> Vec<String> {
        let home = self.home();
        let mut near: Vec<(f64, bool, String)> = Vec::new();
        for (_, entry) in self.catalog.entries().filter(|(_, entry)| allow(entry)) {
            let nearness = nearness(text, &entry.named.name);
            if nearness < CLOSE {
                continue;
            }
            let here = entry.named.namespace.is_none() || home.iter().any(|name| name == entry.named.ns());
            let shown = if here {
                entry.named.name.to_string()
            } else {
                format!("{}/{}", entry.named.ns(), entry.named.name)
            };
            near.push((nearness, !here, shown));
        }
        near.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| (a.1, &a.2).cmp(&(b.1, &b.2))));
        let mut closest: Vec<String> = Vec::new();
        for (_, _, shown) in near {
            if closest.len() < MAX_CLOSEST && !closest.contains(&shown) {
                closest.push(shown);
            }
        }
        closest
    }

    /// A name that is a namespace's: the place of the complaint, or what else has the name.
    fn settle_namespaces(&mut self, hits: &mut Vec<Hit>) {
        for hit in hits.iter_mut() {
            let split = |index: &usize| {
                self.catalog.get(*index).is_some_and(|entry| entry.named.kind == Kind::Namespace)
            };
            let (spaces, others): (Vec<usize>, Vec<usize>) = hit.entries.iter().copied().partition(split);
            let Some(space) = spaces.first().and_then(|index| self.catalog.get(*index)) else { continue };
            let space = space.named.name.to_string();
            if others.is_empty() {
                self.describe(space);
                continue;
            }
            // "checkout" in namespace checkout; in another namespace only if none is in that one.
            let inside = |index: &usize| self.catalog.get(*index).is_some_and(|e| e.named.ns() == space);
            if hit.place && hit.kind.is_none() && !others.iter().any(inside) {
                hit.entries = spaces;
                self.describe(space);
            } else {
                hit.entries = others;
                if hit.entries.iter().any(inside) {
                    hit.entries.retain(inside);
                }
            }
        }
        // Places narrow; they are objects of the complaint only where nothing else is.
        let object = hits.iter().any(|hit| !self.is_namespace_only(hit));
        if object {
            let keep: Vec<bool> = hits.iter().map(|hit| !self.is_namespace_only(hit)).collect();
            let mut keep = keep.into_iter();
            hits.retain(|_| keep.next().unwrap_or(true));
        }
    }

    /// Of a name's objects in several namespaces, those where the complaint is.
    fn narrow(&self, hits: &mut [Hit]) {
        let namespaces = |hit: &Hit| -> Vec<String> {
            let mut names: Vec<String> = hit
                .entries
                .iter()
                .filter_map(|i| self.catalog.get(*i))
                .map(|e| e.named.ns().to_owned())
                .collect();
            names.sort_unstable();
            names.dedup();
            names
        };
        let mut wanted: Vec<String> = self.home().to_vec();
        for hit in hits.iter() {
            if let [only] = namespaces(hit).as_slice()
                && !only.is_empty()
            {
                wanted.push(only.clone());
            }
        }
        for hit in hits.iter_mut() {
            let inside = |index: &usize| {
                self.catalog.get(*index).is_some_and(|e| wanted.iter().any(|n| n == e.named.ns()))
            };
            if namespaces(hit).len() > 1 && hit.entries.iter().any(inside) {
                hit.entries.retain(inside);
            }
        }
    }

    /// The objects that the description says are not meant, and that it does not name elsewhere.
    fn negated(&self, hits: &[Hit]) -> Vec<ObjectRef> {
        let (home, everywhere) = (|entry: &Entry| self.is_home(entry), |_: &Entry| true);
        let mut negated: Vec<ObjectRef> = Vec::new();
        for (number, mention) in self.parsed.negated.iter().enumerate() {
            let hit = self
                .resolver
                .mention(mention, number, false, &home)
                .or_else(|| self.resolver.mention(mention, number, true, &everywhere));
            let meant = |index: &usize| hits.iter().any(|hit| hit.entries.contains(index));
            for index in hit.into_iter().flat_map(|hit| hit.entries).filter(|index| !meant(index)) {
                negated.extend(self.catalog.get(index).map(|entry| entry.object.clone()));
            }
        }
        negated.retain(|object| object.kind != Kind::Namespace);
        negated.sort();
        negated.dedup();
        negated
    }

    fn objects(&self, hits: Vec<Hit>, intent: &mut GroundedIntent) {
        for hit in hits {
            let mut objects: Vec<ObjectRef> = hit
                .entries
                .iter()
                .filter_map(|index| self.catalog.get(*index))
                .map(|entry| entry.object.clone())
                .collect();
            objects.sort_by_key(|object| (order(object, hit.kind.as_ref()), object.clone()));
            objects.dedup();
            let mut names: Vec<(&str, &str)> = objects.iter().map(|o| (o.ns(), &*o.name)).collect();
            names.sort_unstable();
            names.dedup();
            if names.len() > 1 {
                intent.ambiguous.push(Ambiguous { text: hit.text.clone(), matches: objects.clone() });
            }
            for object in objects {
                add(intent, object, &hit.text, hit.quality);
            }
        }
        // "namespace X is stuck" is about the namespace; "X in namespace Y" is not.
        if intent.objects.is_empty() || self.parsed.symptoms.contains(&Symptom::CannotDelete) {
            for name in &self.described {
                let object = ObjectRef::cluster(Kind::Namespace, name);
                add(intent, object, name, Quality::Exact);
            }
        }
    }
}

/// The words that do not name what is not meant.
fn meant(parsed: &ParsedIntent) -> impl Iterator<Item = &Word> {
    let denied = |index: usize| parsed.negated.iter().any(|mention| mention.word == index);
    parsed.words.iter().enumerate().filter(move |(index, _)| !denied(*index)).map(|(_, word)| word)
}

/// The parts of a word that may be parts of a name and say which: `mails` of "e-mails".
fn telling(word: &str) -> impl Iterator<Item = String> {
    let parts =
        fold(word).split(|letter: char| !letter.is_alphanumeric()).map(str::to_owned).collect::<Vec<_>>();
    let tells = |part: &String| {
        let singular = part.strip_suffix('s').unwrap_or(part);
        matches!(class_of(part), WordClass::Name | WordClass::Generic) && !is_filler(singular)
    };
    parts.into_iter().filter(tells)
}

/// "web-1 is NotReady" tells an unhealthy node, if that is what `web-1` is.
fn node_symptoms(intent: &mut GroundedIntent) {
    let node = intent.objects.iter().any(|grounded| grounded.object.kind == Kind::Node);
    let told = [Symptom::NotReady, Symptom::Unreachable].iter().any(|told| intent.symptoms.contains(told));
    if node && told && !intent.symptoms.contains(&Symptom::NodeUnhealthy) {
        intent.symptoms.push(Symptom::NodeUnhealthy);
        intent.symptoms.sort_unstable();
    }
}

fn add(intent: &mut GroundedIntent, object: ObjectRef, matched: &str, quality: Quality) {
    if intent.objects.iter().all(|known| known.object != object) {
        intent.objects.push(GroundedObject {
            object,
            matched: matched.to_owned(),
            exact: quality.is_exact(),
        });
    }
}

/// Of one name the kind that was said, then the workload, then what leads to it.
fn order(object: &ObjectRef, said: Option<&Kind>) -> u8 {
    match &object.kind {
        kind if Some(kind) == said => 0,
        Kind::CronJob => 1,
        kind if kind.is_workload() => 2,
        Kind::Pod => 3,
        Kind::Service => 4,
        Kind::Ingress => 5,
        _ => 6,
    }
}
