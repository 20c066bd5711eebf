//! What ties a fault to a description that it does not explain.

use std::collections::BTreeSet;

use super::{Link, Ranked, Search, is_proven_cause};
use crate::cluster::{Kind, ObjectRef};
use crate::correlate::depend::Dependency;
use crate::correlate::focus::Focus;
use crate::knowledge::Candidate;
use crate::symptom::Symptom;

impl<'a> Search<'a> {
    /// What ties a fault that explains nothing described to the description all the same.
    pub(super) fn link(&self, ranked: &Ranked<'a>, focus: &Focus, pointed_at: &BTreeSet<ObjectRef>) -> Link {
        let candidate = ranked.best.candidate;
        if !is_proven_cause(candidate) || candidate.fact.text("matters").starts_with("if-") {
            return Link::Explains;
        }
        let touched: BTreeSet<&ObjectRef> =
            candidate.accounts_for().chain([&candidate.blame, &ranked.best.object]).collect();
        let on_node = focus.objects.iter().filter(|named| named.kind == Kind::Node).any(|node| {
            touched.iter().any(|object| self.dependencies.of(object).iter().any(|hop| hop.on == *node))
        });
        if touched.iter().any(|object| self.fails_to_call(object, pointed_at)) {
            return Link::Caller;
        }
        if self.serves(candidate, focus) {
            return Link::Serves;
        }
        if on_node || touched.iter().any(|object| focus.echoes(object)) {
            return Link::Echoes;
        }
        let places: BTreeSet<&str> =
            pointed_at.iter().map(ObjectRef::ns).filter(|namespace| !namespace.is_empty()).collect();
        let near = touched
            .iter()
            .any(|object| places.contains(object.ns()) || self.calls(object, pointed_at).next().is_some());
        if near { Link::Near } else { Link::Explains }
    }

    /// Whether a cause stops a controller from its work on a named object: one that may not read objects
    /// of that kind, or one that publishes names, where a name is not found.
    fn serves(&self, candidate: &Candidate<'_>, focus: &Focus) -> bool {
        let controller = &candidate.fact.subject;
        let stopped = self.symptoms(controller).iter().any(|symptom| !symptom.is_soft());
        let unseen = |named: &ObjectRef| {
            let resource = candidate.fact.text("resource").split(['.', '/']).next();
            candidate.fact.name == "rbac.denied" && resource == Some(named.kind.plural())
        };
        let unpublished = |named: &ObjectRef| {
            named.kind == Kind::Ingress
                && focus.symptoms.contains(&Symptom::ResolutionFailing)
                && controller.name.contains("external-dns")
        };
        // Pods, nodes and Services are read by almost every controller: that tells nothing.
        let own = |named: &ObjectRef| {
            let common = matches!(named.kind, Kind::Pod | Kind::Node | Kind::Service | Kind::Namespace);
            !common && !named.kind.is_workload() && unseen(named)
        };
        stopped && focus.objects.iter().any(|named| own(named) || unpublished(named))
    }

    /// The dependencies of a workload on some objects.
    fn calls<'s>(
        &'s self,
        object: &ObjectRef,
        callees: &'s BTreeSet<ObjectRef>,
    ) -> impl Iterator<Item = &'s Dependency> {
        let runs = object.kind.is_workload();
        let own = if runs { self.dependencies.of(object) } else { &[] };
        own.iter().filter(|dependency| callees.contains(&dependency.on))
    }

    /// Whether a workload that calls one of some objects fails at what it calls.
    fn fails_to_call(&self, object: &ObjectRef, callees: &BTreeSet<ObjectRef>) -> bool {
        let fails = |symptom: &Symptom| {
            matches!(symptom, Symptom::Errors | Symptom::CallFailing | Symptom::ResolutionFailing)
        };
        self.symptoms(object).iter().any(fails) && self.calls(object, callees).next().is_some()
    }
}
