//! Puts together what the built-in parser and another one read.
//!
//! The other fills only what the built-in parser left empty, and nothing at all once that has
//! grounded an object: what is investigated can then not depend on it.

use jiff::Timestamp;

use super::ground::{GroundedIntent, ground};
use super::parse::ParsedIntent;
use crate::cluster::Kind;
use crate::cluster::topology::Topology;

/// A description as understood so far.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Understanding {
    builtin: ParsedIntent,
    other: Option<(&'static str, ParsedIntent)>,
}

impl Understanding {
    /// What the built-in parser read.
    pub fn new(builtin: ParsedIntent) -> Self {
        Self { builtin, other: None }
    }

    /// Adds what another parser of this name read.
    pub fn add(&mut self, name: &'static str, other: ParsedIntent) {
        self.other = Some((name, other));
    }

    /// What the built-in parser alone read.
    #[must_use]
    pub fn builtin_only(&self) -> Self {
        Self { builtin: self.builtin.clone(), other: None }
    }

    /// Whether another parser had something to say.
    pub fn has_other(&self) -> bool {
        self.other.is_some()
    }

    /// Grounds it; `scope` is where the complaint is (`-n`), empty: anywhere.
    pub fn ground(&self, topology: &Topology<'_>, scope: &[String], now: Timestamp) -> GroundedIntent {
        let builtin = ground(&self.builtin, topology, scope, now);
        let Some((name, other)) = &self.other else { return builtin };
        if builtin.names_an_object() {
            return builtin;
        }
        // Where the description says a namespace, the other parser's names are meant there.
        let other = ground(other, topology, &builtin.namespaces, now);
        merge(builtin, other, name, scope)
    }
}

fn merge(
    builtin: GroundedIntent,
    other: GroundedIntent,
    name: &'static str,
    scope: &[String],
) -> GroundedIntent {
    let mut merged = builtin;
    let mut given = Given { by: name, fields: Vec::new() };
    let said_itself = !merged.objects.is_empty()
        || !merged.symptoms.is_empty()
        || !merged.not_found.is_empty()
        || merged.window.is_some()
        || merged.namespaces != scope;
    let meant = |object: &crate::cluster::ObjectRef| !merged.negated.contains(object);
    let mut objects = other.objects;
    objects.retain(|grounded| grounded.object.kind != Kind::Namespace && meant(&grounded.object));
    if given.fills("objects", !objects.is_empty()) {
        merged.objects = objects;
        merged.ambiguous = other.ambiguous;
    }
    let elsewhere = merged.namespaces.is_empty() && !other.namespaces.is_empty();
    if given.fills("namespaces", elsewhere) {
        merged.namespaces = other.namespaces;
    }
    let told = merged.symptoms.is_empty() && !other.symptoms.is_empty();
    if given.fills("symptoms", told) {
        merged.symptoms = other.symptoms;
    }
    let placed = merged.window.is_none() && other.window.is_some();
    if given.fills("time", placed) {
        merged.window = other.window;
    }
    merged.names_nothing &= merged.objects.is_empty() && merged.namespaces.is_empty();
    merged.dropped = other.not_found.into_iter().map(|missing| missing.text).collect();
    merged.parser = match (said_itself, given.fields.is_empty()) {
        (_, true) => "builtin",
        (false, false) => name,
        (true, false) => "merged",
    };
    merged.given_by = given.fields.iter().map(|field| ((*field).to_owned(), given.by.to_owned())).collect();
    merged
}

/// Which fields the other parser gave.
struct Given {
    by: &'static str,
    fields: Vec<&'static str>,
}

impl Given {
    fn fills(&mut self, field: &'static str, fills: bool) -> bool {
        if fills {
            self.fields.push(field);
        }
        fills
    }
}
