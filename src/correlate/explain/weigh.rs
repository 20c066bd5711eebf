//! How much an object's state matters to who described it.

use std::collections::{BTreeMap, BTreeSet};

use super::{Ranked, Search};
use crate::cluster::{Kind, ObjectRef};
use crate::correlate::cover::Worth;
use crate::correlate::focus::Focus;
use crate::symptom::Symptom;

impl<'a> Search<'a> {
    /// Marks what explains nothing that the description tells, where something else does: what few
    /// faults look like or, of Jobs, whatever they have that is not told of them.
    pub(super) fn mark_elsewhere(
        &self,
        chosen: &mut [Ranked<'a>],
        worth: &BTreeMap<ObjectRef, Worth>,
        focus: &Focus,
    ) {
        let specific = |object: &ObjectRef| self.told(object, focus).iter().any(|one| one.is_specific());
        let asked: BTreeSet<&ObjectRef> = worth.keys().filter(|object| specific(object)).collect();
        let akin = |symptom: Symptom| focus.symptoms.iter().any(|told| told.is_akin(symptom));
        let is_batch = |object: &ObjectRef| matches!(object.kind, Kind::Job | Kind::CronJob);
        let serves = |object: &ObjectRef| {
            !is_batch(object) && self.seen(object).into_iter().any(|one| !one.is_soft() && akin(one))
        };
        let served = worth.keys().any(serves);
        // Nobody waits for the answer of a Job.
        let aside = |object: &ObjectRef| {
            let told = |one: Symptom| focus.symptoms.contains(&one) || one.is_specific() && akin(one);
            is_batch(object) && !self.seen(object).into_iter().any(told)
        };
        for ranked in chosen {
            let unasked = !asked.is_empty() && !ranked.covers.iter().any(|object| asked.contains(object));
            ranked.elsewhere = unasked || served && ranked.covers.iter().all(aside);
        }
    }

    /// The symptoms of an object, with those that a failure mode shows on it by itself.
    fn seen(&self, object: &ObjectRef) -> BTreeSet<Symptom> {
        let candidates = self.candidates.get(object).into_iter().flatten();
        let manifest = candidates.filter_map(|candidate| candidate.mode.mode.manifests);
        self.symptoms(object).into_iter().chain(manifest).collect()
    }

    /// Symptoms that the description tells and an object has, or brings by what it does wrong itself.
    fn told(&self, object: &ObjectRef, focus: &Focus) -> BTreeSet<Symptom> {
        let all = self.candidates.get(object).into_iter().flatten().map(|one| &one.mode.mode);
        let shown = all.filter(|mode| mode.manifests.is_some());
        let brought =
            shown.flat_map(|mode| mode.explains.iter().filter(|one| !one.is_soft()).chain(&mode.manifests));
        let symptoms = self.symptoms(object).into_iter().chain(brought.copied());
        symptoms.filter(|symptom| focus.symptoms.contains(symptom)).collect()
    }

    /// How bad an object's state is, and how well it fits the description's words.
    pub(super) fn weight(&self, object: &ObjectRef, focus: &Focus) -> f64 {
        let worst = self.seen(object).iter().map(|symptom| severity(*symptom)).fold(0.1, f64::max);
        let told = self.told(object, focus);
        // Who asks for what few faults look like asks for it however bad the rest is.
        let seen = match told.iter().any(|symptom| symptom.is_specific()) {
            true => worst.max(1.0) * 3.0,
            false if !told.is_empty() => worst * 1.5,
            false => worst,
        };
        let named = focus.objects.iter().any(|named| named == object);
        let pointed = match (named, self.echoed.contains(object)) {
            (true, _) => 2.0,
            (false, true) => 3.0,
            (false, false) if self.suggested.contains(object) => 2.0,
            (false, false) => 1.0,
        };
        seen * pointed
    }
}

/// How bad a symptom is when nothing else tells what the description means.
fn severity(symptom: Symptom) -> f64 {
    match symptom {
        Symptom::NodeUnhealthy | Symptom::ControlPlane => 1.3,
        Symptom::NotScaling | Symptom::StaleVersion | Symptom::Errors | Symptom::Forbidden => 0.4,
        Symptom::Slow | Symptom::Restarting | Symptom::NotOnSchedule | Symptom::CannotEvict => 0.6,
        Symptom::JobFailed | Symptom::JobStuck => 0.55,
        Symptom::Evicted | Symptom::CannotDelete => 0.7,
        Symptom::CallFailing | Symptom::ResolutionFailing | Symptom::WrongResponse => 0.8,
        _ => 1.0,
    }
}
