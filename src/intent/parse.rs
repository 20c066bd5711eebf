//! Finds names, namespaces, symptoms and times in the text alone.

use serde::{Deserialize, Serialize};

use super::negation;
use super::spelling::{bare, class_of_token, is_camel_reason, is_constant, is_host, is_name_like};
use super::text::{self, Token, camel_words, fold};
use super::time::{self, TimeMention};
use super::words::{self, WordClass};
use crate::cluster::Kind;
use crate::symptom::Symptom;

/// What a description says, before anything is known of the cluster.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ParsedIntent {
    /// The words, in order: names of several words are put together from them.
    pub words: Vec<Word>,
    /// What may be names of objects, in order.
    pub names: Vec<NameMention>,
    /// What is said to be a namespace.
    pub namespaces: Vec<NamespaceMention>,
    /// Names that the description takes out: "not the db", "redis is fine".
    pub negated: Vec<NameMention>,
    /// Symptoms, in the order of [`Symptom`].
    pub symptoms: Vec<Symptom>,
    /// When it began or happened.
    pub time: Option<TimeMention>,
    /// Whether the description asks if something is over: "[RESOLVED] …", "is it still broken?".
    pub resolved_hint: bool,
}

/// One word of the description.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Word {
    /// As typed, without the punctuation around it.
    pub text: String,
    /// What it can be, seen alone.
    pub class: WordClass,
    /// Number of the clause it stands in.
    pub clause: usize,
}

/// Why something may be a name; decides how freely it is matched and whether its absence is reported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NameForm {
    /// Said to be one: a label's value, `kind/name`, `ns/name`, in backticks.
    Stated,
    /// Looks like one: with a hyphen, an underscore or digits.
    NameLike,
    /// A host name.
    Host,
    /// An unusual word beside a kind: "mailer pods".
    Adjacent,
    /// An unusual word.
    Word,
    /// A noun of the trade, such as `api`: only an object of exactly this name is meant.
    Generic,
    /// Ordinary words that look like a name or stand beside a kind: likewise, and never missed.
    Ordinary,
}

/// Something that may be the name of an object.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NameMention {
    /// The name as typed.
    pub text: String,
    /// Why it may be a name.
    pub form: NameForm,
    /// The kind said beside it.
    pub kind: Option<Kind>,
    /// The namespace said with it, as in `shop/checkout`.
    pub namespace: Option<String>,
    /// Whether it stands after "in" and the like, and so may be a place.
    pub place: bool,
    /// Index of its word in [`ParsedIntent::words`].
    pub word: usize,
}

/// Something that is said to be a namespace.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NamespaceMention {
    /// The name as typed.
    pub text: String,
    /// Whether it must be a name: "the whole namespace" has none.
    pub certain: bool,
}

/// Reads a description. Never fails: what is not understood is left out.
pub fn parse(description: &str) -> ParsedIntent {
    let tokens = text::tokens(description);
    let mut reader = Reader::new(&tokens);
    reader.namespaces();
    for index in 0..tokens.len() {
        reader.read(index);
    }
    let Reader { classes, names, namespaces, .. } = reader;
    let negated = negation::negated(&tokens, &names);
    let mut intent = ParsedIntent {
        words: tokens
            .iter()
            .zip(&classes)
            .map(|(token, class)| Word { text: token.text.clone(), class: *class, clause: token.clause })
            .collect(),
        namespaces,
        symptoms: super::symptoms::symptoms(&tokens),
        time: time::find(&tokens),
        resolved_hint: negation::asks_whether_resolved(&tokens),
        ..ParsedIntent::default()
    };
    for (name, negated) in names.into_iter().zip(negated) {
        if negated { intent.negated.push(name) } else { intent.names.push(name) }
    }
    intent
}

/// Words that may stand before a name and say nothing.
pub(super) const ARTICLES: &[&str] =
    &["the", "our", "my", "a", "this", "der", "dem", "den", "el", "la", "le", "o", "your"];
const PLACES: &[&str] = &["in", "within", "inside", "im", "en", "dans", "em", "na", "no", "from", "of", "ns"];
const NAMERS: &[&str] = &["called", "named", "namens", "llamado", "nomme", "appele", "chamado"];

/// Software that tells of the troubles of others, and stems of words that say so.
const TELLERS: &[&str] = &["prometheus", "alertmanager"];
const TELLING: &[&str] = &[
    "alert", "alarm", "fired", "firing", "page", "metric", "query", "queries", "says", "show", "report",
    "graph",
];

struct Reader<'t> {
    tokens: &'t [Token],
    classes: Vec<WordClass>,
    /// Words that a label, a flag or a namespace phrase used up.
    taken: Vec<bool>,
    names: Vec<NameMention>,
    namespaces: Vec<NamespaceMention>,
    has_object_label: bool,
}

impl<'t> Reader<'t> {
    fn new(tokens: &'t [Token]) -> Self {
        let has_object_label = tokens.windows(2).any(|pair| match pair {
            [key, value] => {
                value.value_of == Some('=')
                    && words::label(&key.folded).is_some_and(|kind| kind != Some(Kind::Namespace))
            }
            _ => false,
        });
        Self {
            tokens,
            classes: tokens.iter().map(class_of_token).collect(),
            taken: vec![false; tokens.len()],
            names: Vec::new(),
            namespaces: Vec::new(),
            has_object_label,
        }
    }

    fn folded(&self, index: usize) -> &'t str {
        self.tokens.get(index).map_or("", |token| token.folded.as_str())
    }

    fn class(&self, index: usize) -> Option<WordClass> {
        self.classes.get(index).copied()
    }

    fn is_taken(&self, index: usize) -> bool {
        self.taken.get(index).copied().unwrap_or(true)
    }

    fn take(&mut self, index: usize) {
        if let Some(taken) = self.taken.get_mut(index) {
            *taken = true;
        }
    }

    fn same_clause(&self, a: usize, b: usize) -> bool {
        match (self.tokens.get(a), self.tokens.get(b)) {
            (Some(a), Some(b)) => a.clause == b.clause,
            _ => false,
        }
    }

    fn previous(&self, index: usize) -> Option<usize> {
        index.checked_sub(1).filter(|previous| self.same_clause(*previous, index))
    }

    fn next(&self, index: usize) -> Option<usize> {
        Some(index + 1).filter(|next| self.same_clause(index, *next))
    }

    /// Whether a word can name something: not ordinary, or spelled like a name.
    fn can_name(&self, index: usize) -> bool {
        self.tokens.get(index).is_some_and(|token| {
            !self.is_taken(index)
                && (self.class(index) == Some(WordClass::Name) || token.quoted || is_name_like(token))
        })
    }

    /// First pass: "namespace X", "X namespace", `-n X`, because they say what later words are.
    fn namespaces(&mut self) {
        for index in 0..self.tokens.len() {
            let Some(token) = self.tokens.get(index) else { continue };
            if token.flag && matches!(token.folded.as_str(), "n" | "namespace") {
                self.take(index);
                self.namespace(index + 1, true);
                continue;
            }
            let labelled = self.tokens.get(index + 1).is_some_and(|next| next.value_of.is_some());
            if words::kind_of(&token.folded) != Some(Kind::Namespace) || labelled {
                continue;
            }
            self.take(index);
            let (before, after) = (self.previous(index), self.next(index));
            let introduced = before.and_then(|before| self.previous(before)).is_some_and(|word| {
                let word = self.folded(word);
                ARTICLES.contains(&word) || PLACES.contains(&word)
            });
            let before = before.filter(|before| !self.is_taken(*before));
            match (
                before.filter(|before| self.can_name(*before)),
                after.filter(|after| self.can_name(*after)),
            ) {
                (Some(before), None) => self.namespace(before, true),
                (Some(before), Some(_)) if introduced => self.namespace(before, true),
                (_, Some(after)) => self.namespace(after, true),
                // "the production namespace": an ordinary word, a namespace only if there is one.
                (None, None) => {
                    if let Some(before) = before {
                        self.namespace(before, false);
                    }
                    if let Some(after) = after {
                        self.namespace(after, false);
                    }
                }
            }
        }
    }

    fn namespace(&mut self, index: usize, certain: bool) {
        let Some(token) = self.tokens.get(index) else { return };
        self.namespaces.push(NamespaceMention { text: bare(&token.text).to_owned(), certain });
        if certain {
            self.take(index);
        }
    }

    fn read(&mut self, index: usize) {
        let Some(token) = self.tokens.get(index) else { return };
        if self.is_taken(index) || self.label(index, token) {
            return;
        }
        // A mention of a person or a team names no object.
        if token.flag && !is_name_like(token) || token.text.starts_with('@') {
            return;
        }
        if token.folded.contains('/') {
            self.path(index, token);
        } else if token.folded.contains(':') {
            self.with_colon(index, token);
        } else if is_host(&token.folded) && camel_words(&token.text).is_none() {
            self.host(index, &token.folded);
        } else {
            self.word(index, token);
        }
    }

    /// `key=value`, `key: value`: whether the word was a label's key.
    fn label(&mut self, index: usize, token: &Token) -> bool {
        let Some(value) = self.tokens.get(index + 1) else { return false };
        let Some(sign) = value.value_of else { return false };
        let kind = match token.folded.as_str() {
            // Prometheus calls the scrape job `job`; beside other labels it names no object.
            "job" if sign == '=' && !self.has_object_label => Some(Some(Kind::Job)),
            key => words::label(key),
        };
        if sign == ':' && (kind.is_none() || self.class(index + 1) == Some(WordClass::Ordinary)) {
            return false;
        }
        self.take(index);
        self.take(index + 1);
        match kind {
            Some(Some(Kind::Namespace)) => self.namespace(index + 1, true),
            Some(kind) => self.stated(index + 1, value.text.clone(), kind, None),
            None => {}
        }
        true
    }

    fn stated(&mut self, index: usize, text: String, kind: Option<Kind>, namespace: Option<String>) {
        let host = is_host(&fold(&text)) && namespace.is_none();
        let form = if host { NameForm::Host } else { NameForm::Stated };
        self.names.push(NameMention { text, form, kind, namespace, place: false, word: index });
    }

    /// URLs, `kind/name`, `ns/name`, `ns/kind/name`, and what only has a slash.
    fn path(&mut self, index: usize, token: &Token) {
        if let Some((_, rest)) = token.text.split_once("://") {
            let host = rest.split(['/', ':', '@']).next().unwrap_or_default();
            return self.host(index, &fold(host));
        }
        let parts: Vec<&str> = token.text.split('/').filter(|part| !part.is_empty()).collect();
        let ordinary =
            |part: &str| words::class_of(&fold(part)) == WordClass::Ordinary && !part.contains('-');
        let kind = |part: &str| words::kind_of(&fold(part));
        match parts.as_slice() {
            [host, ..] if is_host(&fold(host)) => self.host(index, &fold(host)),
            [a, b] => match (kind(a), kind(b)) {
                (Some(Kind::Namespace), None) => {
                    self.namespaces.push(NamespaceMention { text: (*b).to_owned(), certain: true });
                }
                (Some(kind), None) => self.stated(index, (*b).to_owned(), Some(kind), None),
                (None, None) if !ordinary(a) && !ordinary(b) => {
                    self.stated(index, bare(b).to_owned(), None, Some((*a).to_owned()));
                }
                _ => {}
            },
            [a, b, c] => match (kind(a), kind(b)) {
                (Some(kind), _) => self.stated(index, (*c).to_owned(), Some(kind), Some((*b).to_owned())),
                (None, Some(kind)) => self.stated(index, (*c).to_owned(), Some(kind), Some((*a).to_owned())),
                (None, None) => {}
            },
            _ => {}
        }
    }

    /// `namespace:shop`, `checkout:8080`, `docs.example.com:443`.
    fn with_colon(&mut self, index: usize, token: &Token) {
        let Some((key, value)) = token.text.split_once(':') else { return };
        match words::label(&fold(key)) {
            Some(Some(Kind::Namespace)) => {
                self.namespaces.push(NamespaceMention { text: value.to_owned(), certain: true });
            }
            Some(kind) if words::class_of(&fold(value)) != WordClass::Ordinary || value.contains('-') => {
                self.stated(index, value.to_owned(), kind, None);
            }
            _ if is_host(&fold(key)) => self.host(index, &fold(key)),
            _ if value.bytes().all(|byte| byte.is_ascii_digit()) => {
                let before = Token { text: key.to_owned(), folded: fold(key), ..token.clone() };
                self.word(index, &before);
            }
            _ => {}
        }
    }

    /// A host name; inside the cluster it names a Service and its namespace.
    fn host(&mut self, index: usize, host: &str) {
        let labels: Vec<&str> = host.split('.').collect();
        let (text, form, kind, namespace) = match labels.as_slice() {
            [name, namespace, "svc", ..] => {
                (*name, NameForm::Stated, Some(Kind::Service), Some((*namespace).to_owned()))
            }
            _ => (host, NameForm::Host, None, None),
        };
        self.names.push(NameMention {
            text: text.to_owned(),
            form,
            kind,
            namespace,
            place: false,
            word: index,
        });
    }

    fn word(&mut self, index: usize, token: &Token) {
        let text = bare(&token.text);
        let folded = fold(text);
        if self.is_half_of_kind(index) {
            return;
        }
        let (kind, beside_generic) = self.kind_beside(index);
        let beside = kind.is_some();
        let named = self.previous(index).is_some_and(|before| NAMERS.contains(&self.folded(before)));
        let class = if token.quoted && self.class(index) == Some(WordClass::Kind) {
            WordClass::Generic
        } else {
            class_of_token(token)
        };
        let form = if is_camel_reason(text) || is_constant(text) || self.only_tells(index) {
            return;
        } else if (token.quoted || named) && class != WordClass::Ordinary {
            NameForm::Stated
        } else if is_name_like(token) {
            NameForm::NameLike
        } else if folded.contains(['-', '_']) {
            NameForm::Ordinary
        } else {
            match class {
                WordClass::Name if beside || self.before_namespace(index) => NameForm::Adjacent,
                WordClass::Name => NameForm::Word,
                WordClass::Generic if words::is_product(&folded) => NameForm::Word,
                WordClass::Generic | WordClass::Kind => NameForm::Generic,
                WordClass::Ordinary if beside || beside_generic || token.quoted => NameForm::Ordinary,
                WordClass::Ordinary => return,
            }
        };
        let place = self.is_place(index);
        let text = text.to_owned();
        self.names.push(NameMention { text, form, kind, namespace: None, place, word: index });
    }

    /// "a prometheus alert", "paged by alertmanager": who tells of it is not what it is about.
    fn only_tells(&self, index: usize) -> bool {
        let clause = self.tokens.get(index).map(|token| token.clause);
        let tells = |token: &Token| TELLING.iter().any(|stem| token.folded.starts_with(stem));
        TELLERS.contains(&self.folded(index))
            && self.tokens.iter().any(|token| Some(token.clause) == clause && tells(token))
    }

    /// "service account": two words that are one kind, not a Service of the name `account`.
    fn is_half_of_kind(&self, index: usize) -> bool {
        let pair = |a: Option<usize>, b: Option<usize>| matches!((a, b), (Some(a), Some(b)) if words::kind_of_pair(self.folded(a), self.folded(b)).is_some());
        pair(self.previous(index), Some(index)) || pair(Some(index), self.next(index))
    }

    /// The kind said directly beside a word, and whether "app" or the like stands there.
    fn kind_beside(&self, index: usize) -> (Option<Kind>, bool) {
        let before = self.previous(index);
        let after = self.next(index);
        let pair = |first: Option<usize>, second: Option<usize>| {
            words::kind_of_pair(self.folded(first?), self.folded(second?))
        };
        let two_before = before.and_then(|before| self.previous(before));
        let two_after = after.and_then(|after| self.next(after));
        let single = |at: Option<usize>| at.and_then(|at| words::kind_of(self.folded(at)));
        // "pod web-1 of deployment web": the word before is nearer to what is meant.
        let names_object = |kind: &Kind| *kind != Kind::Namespace;
        let kind = pair(two_before, before)
            .or_else(|| single(before))
            .or_else(|| pair(after, two_after))
            .or_else(|| single(after))
            .filter(names_object);
        let generic =
            after.is_some_and(|after| matches!(self.folded(after), "app" | "application" | "workload"));
        (kind, generic)
    }

    /// "mailer in namespace crm", "mailer in the crm namespace".
    fn before_namespace(&self, index: usize) -> bool {
        let inside = self
            .next(index)
            .filter(|next| matches!(self.folded(*next), "in" | "from" | "im" | "en" | "dans"));
        let same = |at: &usize| self.same_clause(index, *at);
        inside.is_some_and(|inside| {
            (inside + 1..inside + 4).take_while(same).any(|at| self.is_namespace_word(at))
        })
    }

    fn is_namespace_word(&self, index: usize) -> bool {
        self.is_taken(index) && words::kind_of(self.folded(index)) == Some(Kind::Namespace)
    }

    fn is_place(&self, index: usize) -> bool {
        let Some(before) = self.previous(index) else { return false };
        let word = self.folded(before);
        PLACES.contains(&word)
            || ARTICLES.contains(&word)
                && self.previous(before).is_some_and(|before| PLACES.contains(&self.folded(before)))
    }
}
