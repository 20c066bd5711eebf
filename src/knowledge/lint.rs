//! Lints a knowledge graph for what loading does not find.

use std::collections::BTreeSet;

use crate::cluster::Kind;
use crate::diagnose::{FactSpec, fact_spec};

use super::condition::CEL_FUNCTIONS;
use super::load::{Compiled, CompiledMatch, Graph};
use super::schema::{Proof, Role};
use super::template;

/// Functions of CEL itself that conditions may use.
const CEL_STDLIB: [&str; 17] = [
    "size",
    "has",
    "contains",
    "startsWith",
    "endsWith",
    "matches",
    "exists",
    "all",
    "map",
    "filter",
    "exists_one",
    "int",
    "uint",
    "double",
    "string",
    "bool",
    "type",
];

/// One problem of one failure mode.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Problem {
    /// The file.
    pub file: String,
    /// Where inside the document.
    pub place: String,
    /// What is wrong and what to do.
    pub message: String,
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}: {}", self.file, self.place, self.message)
    }
}

/// Every problem, ordered by file.
pub fn lint(graph: &Graph) -> Vec<Problem> {
    let mut problems = Vec::new();
    for compiled in graph.modes() {
        let mut add = |place: &str, message: String| {
            problems.push(Problem { file: compiled.file.clone(), place: place.to_owned(), message });
        };
        identity(compiled, &mut add);
        conditions(compiled, &mut add);
        templates(compiled, &mut add);
        meaning(compiled, graph, &mut add);
    }
    if let Err(message) = super::component::relations(graph) {
        problems.push(Problem { file: "components".to_owned(), place: "dependsOn".to_owned(), message });
    }
    problems.sort();
    problems
}

fn identity(compiled: &Compiled, add: &mut impl FnMut(&str, String)) {
    let mode = &compiled.mode;
    let kebab = |text: &str| {
        !text.is_empty()
            && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
    };
    if !kebab(&mode.id) {
        add("id", format!("`{}` is not kebab-case", mode.id));
    }
    if !compiled.file.ends_with(&format!("{}.yaml", mode.id)) {
        add("id", format!("the file should be called {}.yaml", mode.id));
    }
    if !kebab(&mode.category) {
        add("category", format!("`{}` is not kebab-case", mode.category));
    }
    for (place, text) in [("title", &mode.title), ("summary", &mode.summary)] {
        if text.trim().is_empty() {
            add(place, "is empty".to_owned());
        }
    }
}

fn conditions(compiled: &Compiled, add: &mut impl FnMut(&str, String)) {
    let groups = [
        ("when.all", &compiled.all),
        ("when.any", &compiled.any),
        ("when.none", &compiled.none),
        ("supports", &compiled.supports),
        ("contradicts", &compiled.contradicts),
    ];
    for (place, matches) in groups {
        for one in matches {
            let Some(spec) = fact_spec(&one.fact) else {
                add(place, format!("no diagnoser states `{}`", one.fact));
                continue;
            };
            for (param, _) in &one.params {
                if !spec.params.iter().any(|(name, _)| name == param) {
                    add(place, format!("`{}` has no parameter `{param}`", one.fact));
                }
            }
        }
    }
    if compiled.all.is_empty() && compiled.any.is_empty() {
        if compiled.cel.is_none() {
            add("when", "holds nothing; name a fact or give cel with entity".to_owned());
        }
        if compiled.mode.entity.is_empty() {
            add("entity", "is needed where `when` names no fact".to_owned());
        }
    }
    for kind in &compiled.mode.entity {
        if matches!(Kind::from(kind.as_str()), Kind::Other(_)) {
            add("entity", format!("`{kind}` is no kind that sre-orch reads"));
        }
    }
    for function in compiled.cel.iter().flat_map(super::condition::Expression::functions) {
        let operator = !function.starts_with(|c: char| c.is_ascii_alphabetic())
            || function.starts_with('_')
            || function.starts_with('@');
        if !operator
            && !CEL_FUNCTIONS.contains(&function.as_str())
            && !CEL_STDLIB.contains(&function.as_str())
        {
            add("when.cel", format!("unknown function `{function}`"));
        }
    }
}

/// The specifications of the facts that templates can draw on.
fn specs(compiled: &Compiled) -> Vec<&'static FactSpec> {
    let first = compiled
        .all
        .first()
        .map_or_else(|| compiled.any.iter().collect::<Vec<&CompiledMatch>>(), |one| vec![one]);
    first.into_iter().filter_map(|one| fact_spec(&one.fact)).collect()
}

fn templates(compiled: &Compiled, add: &mut impl FnMut(&str, String)) {
    let mode = &compiled.mode;
    let specs = specs(compiled);
    let known = |name: &str| {
        let (base, field) = name.split_once('.').unwrap_or((name, ""));
        let object =
            base == "subject" || specs.iter().any(|spec| spec.refs.iter().any(|(own, _)| *own == base));
        let param = specs.iter().any(|spec| spec.params.iter().any(|(own, _)| *own == name));
        let asked = specs.iter().any(|spec| spec.params.iter().any(|(own, _)| *own == base));
        param
            || (asked && template::is_param_field(field))
            || (object && matches!(field, "" | "name" | "namespace" | "kind" | "arg"))
    };
    let steps = mode.remediation.iter().chain(&mode.checks);
    let texts =
        steps.flat_map(|step| std::iter::once(&step.text).chain(&step.command)).chain([&mode.summary]);
    for text in texts {
        for name in template::variables(text) {
            if !known(name) {
                add("templates", format!("nothing supplies `{{{{{name}}}}}`"));
            }
        }
    }
    for name in mode.words.keys().filter(|name| !known(name)) {
        add("words", format!("nothing supplies `{name}`"));
    }
    for name in &mode.blame {
        let all = compiled
            .all
            .iter()
            .chain(&compiled.any)
            .chain(&compiled.supports)
            .filter_map(|one| fact_spec(&one.fact));
        if name != "subject" && !all.into_iter().any(|spec| spec.refs.iter().any(|(own, _)| own == name)) {
            add("blame", format!("no fact of this failure mode names an object `{name}`"));
        }
    }
}

fn meaning(compiled: &Compiled, graph: &Graph, add: &mut impl FnMut(&str, String)) {
    let mode = &compiled.mode;
    if mode.role != Role::Hygiene {
        if mode.explains.is_empty() && mode.manifests.is_none() {
            add("explains", "is empty: a failure mode that explains nothing is never shown".to_owned());
        }
        if mode.remediation.is_empty() {
            add("remediation", "is missing: say what to do".to_owned());
        }
    }
    if mode.manifests.is_some() && mode.proof == Proof::Suggestive {
        add("manifests", "needs proof: a suspicion must not make its own symptom".to_owned());
    }
    for id in &mode.yields_to {
        if graph.get(id).is_none() {
            add("yieldsTo", format!("no failure mode `{id}`"));
        }
    }
    let (positive, near_miss): (Vec<_>, Vec<_>) = mode.tests.iter().partition(|test| !test.near_miss);
    if positive.is_empty() || near_miss.is_empty() {
        add("tests", "need at least one positive and one near-miss case".to_owned());
    }
    let names: BTreeSet<&str> = mode.tests.iter().map(|test| test.name.as_str()).collect();
    if names.len() != mode.tests.len() {
        add("tests", "two cases have the same name".to_owned());
    }
}
