//! What is wrong with Jobs.

use crate::cluster::types::*;
use crate::cluster::{Kind, ObjectRef};
use crate::diagnose::cronjob;
use crate::diagnose::job::superseded;
use crate::evidence::Evidence;
use crate::symptom::Symptom;

use super::{STARTING, Scan};

impl Scan<'_, '_> {
    pub(super) fn job(&mut self, job: &Workload) {
        let object = job.object_ref();
        if let Some(failed) = condition(&job.status.conditions, "Failed").filter(|failed| failed.is_true()) {
            if !superseded(self.context, job) {
                let path = "status.conditions[Failed]";
                let evidence = Evidence::status(object.clone(), path, failed.reason.clone())
                    .excerpt(failed.message.clone())
                    .at(failed.last_transition_time.get());
                let finding = format!("the Job failed: {}", failed.reason);
                self.add(Symptom::JobFailed, object, failed.last_transition_time, finding, vec![evidence]);
            }
            return;
        }
        if self.backs_off(job, &object) {
            return;
        }
        let complete = condition(&job.status.conditions, "Complete").is_some_and(Condition::is_true);
        if !complete
            && !job.spec.suspend
            && self.context.topology.pods_of(&object).is_empty()
            && job.status.active.count == 0
            && job.status.failed == 0
            && self.age(job.metadata.creation_timestamp) > STARTING
            && self.state().was_read(&Kind::Pod, object.ns())
            && job.status.succeeded == 0
        {
            let evidence = Evidence::status(object.clone(), "status.active", "0");
            self.add(
                Symptom::NotCreated,
                object,
                job.metadata.creation_timestamp,
                "the Job has no pod".to_owned(),
                vec![evidence],
            );
        }
    }

    /// A CronJob whose next Job is refused.
    pub(super) fn cron_job(&mut self, cron: &Workload) {
        let Some(refusal) = cronjob::refused(self.context, cron).filter(|_| !cron.spec.suspend) else {
            return;
        };
        let finding = "its Jobs cannot be created".to_owned();
        let evidence = vec![Evidence::event(refusal)];
        self.add(Symptom::NotOnSchedule, cron.object_ref(), refusal.first(), finding, evidence);
    }

    /// A Job that is not given up yet, whose pods have all failed: it waits to make the next one.
    fn backs_off(&mut self, job: &Workload, object: &ObjectRef) -> bool {
        let pods = self.context.topology.pods_of(object);
        let newest = pods.iter().max_by_key(|pod| pod.metadata.creation_timestamp);
        let Some(newest) = newest.filter(|_| pods.iter().all(|pod| pod.status.phase == "Failed")) else {
            return false;
        };
        let ended = condition(&job.status.conditions, "Complete").is_some_and(Condition::is_true);
        if ended || job.spec.suspend || job.status.active.count > 0 {
            return false;
        }
        // The kubelet gives a reason where it refused the pod, so that no container ever ran.
        let refused = newest.status.container_statuses.is_empty() && !newest.status.reason.is_empty();
        let symptom = if refused { Symptom::NotStarted } else { Symptom::Crashing };
        let evidence = Evidence::status(newest.object_ref(), "status.phase", "Failed")
            .excerpt(format!("{} {}", newest.status.reason, newest.status.message).trim())
            .at(newest.metadata.creation_timestamp.get());
        let finding = format!("{} pods of the Job failed, and none runs", pods.len());
        self.add(symptom, object.clone(), newest.metadata.creation_timestamp, finding, vec![evidence]);
        true
    }
}
