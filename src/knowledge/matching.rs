//! Matches failure modes against facts: each match is a candidate cause of something.

use serde_json::Value;

use crate::cluster::{ClusterState, Kind, ObjectRef, Truth};
use crate::diagnose::{Fact, Facts};

use super::load::{Compiled, CompiledMatch, Graph};
use super::schema::Proof;

/// A failure mode that holds for a subject, with the facts that say so.
#[derive(Clone, Debug)]
pub struct Candidate<'a> {
    /// The failure mode.
    pub mode: &'a Compiled,
    /// The fact that supplies templates and blame.
    pub fact: Fact,
    /// Further facts that matched.
    pub also: Vec<&'a Fact>,
    /// The object to change first.
    pub blame: ObjectRef,
    /// Strength of proof, after the facts' own certainty.
    pub proof: Proof,
    /// How many `supports` matched.
    pub supported: usize,
    /// How many `contradicts` matched.
    pub contradicted: usize,
}

impl Candidate<'_> {
    /// The failure mode's id.
    pub fn id(&self) -> &str {
        &self.mode.mode.id
    }

    /// The subject and everything else whose symptoms the facts account for.
    pub fn accounts_for(&self) -> impl Iterator<Item = &ObjectRef> {
        std::iter::once(&self.fact.subject)
            .chain(&self.fact.affects)
            .chain(self.also.iter().flat_map(|fact| &fact.affects))
    }
}

/// Every candidate, ordered by failure mode and subject.
pub fn candidates<'a>(graph: &'a Graph, state: &ClusterState, facts: &'a Facts) -> Vec<Candidate<'a>> {
    let mut found: Vec<Candidate<'a>> = Vec::new();
    for compiled in graph.modes() {
        let Some(trigger) = compiled.all.first().or(compiled.any.first()) else {
            found.extend(by_entity(compiled, state));
            continue;
        };
        let alternatives: Vec<&CompiledMatch> =
            if compiled.all.is_empty() { compiled.any.iter().collect() } else { vec![trigger] };
        for trigger in alternatives {
            for fact in facts.named(&trigger.fact).filter(|fact| trigger.matches(fact)) {
                if let Some(candidate) = join(compiled, fact, state, facts)
                    && !found.iter().any(|known| known.id() == candidate.id() && known.fact == candidate.fact)
                {
                    found.push(candidate);
                }
            }
        }
    }
    found
}

impl CompiledMatch {
    /// Whether a fact is the one meant. Only true facts match.
    pub fn matches(&self, fact: &Fact) -> bool {
        fact.truth == Truth::True && self.could_match(fact)
    }

    /// Whether a fact has the name and parameters, whatever its truth.
    pub fn could_match(&self, fact: &Fact) -> bool {
        fact.name == self.fact
            && self.params.iter().all(|(name, matcher)| matcher.matches(fact.params.get(name.as_str())))
    }
}

fn join<'a>(
    compiled: &'a Compiled,
    trigger: &'a Fact,
    state: &ClusterState,
    facts: &'a Facts,
) -> Option<Candidate<'a>> {
    let joins = |fact: &Fact| {
        compiled.mode.when.join.iter().all(|name| {
            let (own, other) = (trigger.params.get(name.as_str()), fact.params.get(name.as_str()));
            own.is_none() || other.is_none() || own == other
        })
    };
    let find = |one: &CompiledMatch| {
        facts
            .named(&one.fact)
            .find(|fact| fact.subject == trigger.subject && one.matches(fact) && joins(fact))
    };
    let mut also = Vec::new();
    for one in compiled.all.iter().skip(1) {
        also.push(find(one)?);
    }
    if !compiled.any.is_empty() {
        let matched: Vec<&Fact> = compiled.any.iter().filter_map(find).collect();
        if matched.is_empty() {
            return None;
        }
        also.extend(matched.into_iter().filter(|fact| *fact != trigger));
    }
    if compiled.none.iter().any(|one| find(one).is_some()) {
        return None;
    }
    if let Some(expression) = &compiled.cel {
        let object = entity_json(state, &trigger.subject);
        let params = serde_json::to_value(&trigger.params).unwrap_or_default();
        if expression.evaluate(&object, &params, state.now().as_second()) != Some(true) {
            return None;
        }
    }
    let supporting: Vec<&Fact> = compiled.supports.iter().filter_map(find).collect();
    let contradicted = compiled.contradicts.iter().filter(|one| find(one).is_some()).count();
    let certainty = std::iter::once(trigger).chain(also.iter().copied()).filter_map(certainty).min();
    let supported = supporting.len();
    also.extend(supporting);
    Some(Candidate {
        blame: blame(compiled, trigger, &also),
        proof: certainty.map_or(compiled.mode.proof, |certainty| certainty.min(compiled.mode.proof)),
        fact: trigger.clone(),
        mode: compiled,
        also,
        supported,
        contradicted,
    })
}

/// A fact's own `certainty`, where the diagnoser states one.
fn certainty(fact: &Fact) -> Option<Proof> {
    match fact.text("certainty") {
        "decisive" => Some(Proof::Decisive),
        "computed" => Some(Proof::Computed),
        "suggestive" => Some(Proof::Suggestive),
        _ => None,
    }
}

fn blame(compiled: &Compiled, trigger: &Fact, also: &[&Fact]) -> ObjectRef {
    for name in &compiled.mode.blame {
        if name == "subject" {
            break;
        }
        let objects = std::iter::once(trigger)
            .chain(also.iter().copied())
            .find_map(|fact| fact.refs.get(name.as_str()));
        if let Some(object) = objects {
            return object.clone();
        }
    }
    trigger.subject.clone()
}

/// Candidates of a failure mode that looks at objects with CEL alone, mainly users' own.
fn by_entity<'a>(compiled: &'a Compiled, state: &ClusterState) -> Vec<Candidate<'a>> {
    let Some(expression) = &compiled.cel else { return Vec::new() };
    let mut found = Vec::new();
    for kind in compiled.mode.entity.iter().map(|name| Kind::from(name.as_str())) {
        for object in objects_of(state, &kind) {
            let json = entity_json(state, &object);
            if expression.evaluate(&json, &Value::Null, state.now().as_second()) == Some(true) {
                let evidence =
                    crate::evidence::Evidence::spec(object.clone(), "", compiled.mode.when.cel.trim());
                found.push(Candidate {
                    mode: compiled,
                    blame: object.clone(),
                    fact: Fact::new("cel", object).evidence([evidence]),
                    also: Vec::new(),
                    proof: compiled.mode.proof,
                    supported: 0,
                    contradicted: 0,
                });
            }
        }
    }
    found
}

macro_rules! tables {
    ($($table:ident)*) => {
        fn objects_of(state: &ClusterState, kind: &Kind) -> Vec<ObjectRef> {
            use crate::cluster::types::Object;
            let mut found = Vec::new();
            $(found.extend(state.$table.iter().filter(|item| item.kind() == *kind).map(Object::object_ref));)*
            found
        }

        /// The slim object as JSON, for CEL; null where there is none.
        fn entity_json(state: &ClusterState, object: &ObjectRef) -> Value {
            use crate::cluster::types::Object;
            $(if let Some(item) = state.$table.named(object.ns(), &object.name).iter().find(|item| item.kind() == object.kind) {
                return serde_json::to_value(item).unwrap_or_default();
            })*
            Value::Null
        }
    };
}
tables!(pods workloads services ingresses network_policies claims volumes storage_classes nodes namespaces
    quotas limit_ranges autoscalers disruption_budgets webhooks leases config_maps service_accounts);
