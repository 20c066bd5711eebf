//! Steps that a person can take: a failure mode's templates, made to fit the object they are for.
//!
//! Templates are written as for a workload whose pods follow its template. Here they learn what
//! Kubernetes refuses: a Job's pods cannot be changed, a static Pod lives in a file of its node,
//! there is no rollout to undo without an earlier revision, and `exec` on a workload takes any pod.
//! Which failure mode holds is decided before; nothing here reads a log or an event.

use crate::cluster::topology::Topology;
use crate::cluster::types::{Object, OwnerReference, Pod};
use crate::cluster::{Kind, ObjectRef};
use crate::diagnose::Fact;
use crate::knowledge::schema::StepTemplate;
use crate::knowledge::template::{self, Filler};
use crate::report::model::Step;

/// The annotation that the kubelet sets on the mirror of a static Pod.
const MIRROR: &str = "kubernetes.io/config.mirror";
/// Where a workload's template has the pod's spec, in a path of `kubectl`.
const TEMPLATE_SPEC: &str = ".spec.template.spec";

/// The steps of some templates, filled from a fact; `safe` is what texts go through.
pub(super) fn fitted(
    templates: &[StepTemplate],
    filler: Filler<'_>,
    fact: &Fact,
    topology: &Topology<'_>,
    safe: impl Fn(&str) -> String,
) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    let mut noted = false;
    for template in templates {
        let text = safe(&filler.text(&template.text));
        if text.is_empty() {
            continue;
        }
        let words = template.command.as_deref().map(|command| filler.command(command));
        let fitting = words.map_or_else(Fitting::default, |words| Command::new(words, fact, topology).fit());
        if fitting.impossible {
            continue;
        }
        let command = (!fitting.words.is_empty()).then(|| fitting.words.join(" "));
        steps.push(Step { text, command });
        if let Some(note) = fitting.note.filter(|_| !noted) {
            noted = true;
            steps.push(note);
        }
    }
    steps
}

/// What became of a command.
#[derive(Default)]
struct Fitting {
    /// Its words; none where there is no command for it.
    words: Vec<String>,
    /// Whether the step as a whole makes no sense for the object.
    impossible: bool,
    /// What has to be done as well.
    note: Option<Step>,
}

impl Fitting {
    fn command(words: Vec<String>) -> Self {
        Self { words, ..Self::default() }
    }

    fn impossible() -> Self {
        Self { impossible: true, ..Self::default() }
    }

    fn with_note(words: Vec<String>, text: &str, command: Option<Vec<String>>) -> Self {
        let note = Step { text: text.to_owned(), command: command.map(|words| words.join(" ")) };
        Self { words, note: Some(note), ..Self::default() }
    }
}

/// A command of kubectl and the object it is for.
struct Command<'a> {
    words: Vec<String>,
    /// The object, and which word names it.
    target: Option<(usize, ObjectRef)>,
    fact: &'a Fact,
    topology: &'a Topology<'a>,
}

impl<'a> Command<'a> {
    fn new(words: Vec<String>, fact: &'a Fact, topology: &'a Topology<'a>) -> Self {
        let objects = || std::iter::once(&fact.subject).chain(fact.refs.values());
        let named = |(at, word): (usize, &String)| {
            let object = objects().find(|object| template::arg(object) == *word)?;
            Some((at, object.clone()))
        };
        let target = words.iter().enumerate().find_map(named);
        Self { words, target, fact, topology }
    }

    fn fit(self) -> Fitting {
        let Some((at, target)) = self.target.clone() else { return Fitting::command(self.words) };
        let (verb, how) = self.verb();
        let (verb, how) = (verb.to_owned(), how.to_owned());
        let has = |text: &str| self.words.iter().any(|word| word.contains(text));
        match (verb.as_str(), how.as_str()) {
            ("rollout", "restart") => self.anew(&target),
            ("rollout", "undo" | "history") if !has_earlier_revision(&target, self.topology) => {
                Fitting::impossible()
            }
            ("rollout", _) if !has_rollout(&target.kind) => Fitting::impossible(),
            ("set", _) if has("--list") => Fitting::command(self.words),
            ("set", "image") if target.kind == Kind::Pod && self.is_bare(&target) => {
                Fitting::command(self.words)
            }
            ("edit" | "set", _) => self.changed(at, &target),
            ("patch", _) if has("\"template\"") => self.changed(at, &target),
            ("logs" | "exec" | "debug", _) if target.kind == Kind::Pod || target.kind.is_workload() => {
                self.inside(at, &target, &verb)
            }
            ("get", _) => self.looked_up(&target.kind),
            _ => Fitting::command(self.words),
        }
    }

    /// The verb and the word behind it.
    fn verb(&self) -> (&str, &str) {
        let mut words = self.words.iter().map(String::as_str);
        if words.next() != Some("kubectl") {
            return ("", "");
        }
        let mut verb = words.next().unwrap_or_default();
        if verb == "-n" {
            words.next();
            verb = words.next().unwrap_or_default();
        }
        (verb, words.next().unwrap_or_default())
    }

    /// A change of the template of pods.
    fn changed(mut self, at: usize, target: &ObjectRef) -> Fitting {
        match target.kind {
            Kind::Job => match self.cron_job(target) {
                Some(cron) => {
                    if let Some(word) = self.words.get_mut(at) {
                        *word = template::arg(&cron);
                    }
                    let text = format!("Then run the Job anew: its pods do not follow CronJob {}", cron.name);
                    Fitting::with_note(self.words, &text, Some(run_again(target, &cron)))
                }
                None => {
                    let text = "A Job's pods cannot be changed: delete it and apply it again, corrected";
                    Fitting::with_note(Vec::new(), text, Some(apply_again(target)))
                }
            },
            Kind::Pod => self.changed_pod(target),
            Kind::ReplicaSet => Fitting::with_note(
                self.words,
                "Then delete its pods: a ReplicaSet changes none that exists",
                None,
            ),
            Kind::CronJob if self.verb().0 == "patch" => {
                Fitting::command(kubectl(target, &["edit", &template::arg(target)]))
            }
            _ => Fitting::command(self.words),
        }
    }

    fn changed_pod(self, target: &ObjectRef) -> Fitting {
        let Some(pod) = self.pod(target) else { return Fitting::command(self.words) };
        if is_static(pod) {
            let text = format!(
                "It is a static Pod: correct its manifest on Node {}, usually in /etc/kubernetes/manifests",
                pod.spec.node_name
            );
            return Fitting::with_note(Vec::new(), &text, None);
        }
        match pod.metadata.controller() {
            Some(owner) => {
                let text = format!("The pod follows {} {}: change it there", owner.kind, owner.name);
                Fitting::with_note(Vec::new(), &text, Some(kubectl(target, &["edit", &owner_arg(owner)])))
            }
            None => {
                let text =
                    "A Pod without a workload cannot be changed: delete it and apply it again, corrected";
                Fitting::with_note(Vec::new(), text, Some(apply_again(target)))
            }
        }
    }

    /// Pods made anew as they are.
    fn anew(self, target: &ObjectRef) -> Fitting {
        match target.kind {
            Kind::Job => Fitting::command(match self.cron_job(target) {
                Some(cron) => run_again(target, &cron),
                None => apply_again(target),
            }),
            Kind::CronJob => {
                let name = format!("{}-again", target.name);
                let from = format!("--from={}", template::arg(target));
                Fitting::command(kubectl(target, &["create", "job", &name, &from]))
            }
            Kind::Pod => match self.pod(target) {
                Some(pod) if is_static(pod) => Fitting::command(Vec::new()),
                Some(pod) if pod.metadata.controller().is_some() => {
                    Fitting::command(kubectl(target, &["delete", &template::arg(target)]))
                }
                _ => Fitting::command(apply_again(target)),
            },
            _ if has_rollout(&target.kind) => Fitting::command(self.words),
            _ => Fitting::command(Vec::new()),
        }
    }

    /// A look into a container: of the pod that fails, and of its last run only where there was one.
    fn inside(mut self, at: usize, target: &ObjectRef, verb: &str) -> Fitting {
        let container = self.words.iter().skip_while(|word| *word != "-c").nth(1).cloned();
        let container = container.as_deref();
        let pods = self.topology.pods_of(target);
        let previous = self.words.iter().any(|word| word == "--previous");
        let usable = |pod: &&&Pod| match verb {
            "logs" => true,
            "exec" => is_running(pod, container),
            _ => !pod.is_finished(),
        };
        let chosen = pods.iter().filter(usable).max_by_key(|pod| {
            let cited = self.fact.evidence.iter().any(|one| one.object == pod.object_ref());
            let ran = previous && has_previous_run(pod, container);
            // Of equals the first in name.
            (ran, cited, !pod.is_ready(), restarts(pod, container), std::cmp::Reverse(&pod.metadata.name))
        });
        let Some(pod) = chosen else {
            let words = if verb == "logs" { self.words } else { Vec::new() };
            return Fitting::command(words);
        };
        if let Some(word) = self.words.get_mut(at) {
            *word = template::arg(&pod.object_ref());
        }
        if previous && !has_previous_run(pod, container) {
            self.words.retain(|word| word != "--previous");
        }
        Fitting::command(self.words)
    }

    /// A look at the object: where its kind has the pod's spec elsewhere, there.
    fn looked_up(mut self, kind: &Kind) -> Fitting {
        let place = match kind {
            Kind::Pod => ".spec",
            Kind::CronJob => ".spec.jobTemplate.spec.template.spec",
            _ => return Fitting::command(self.words),
        };
        for word in &mut self.words {
            *word = word.replace(TEMPLATE_SPEC, place);
        }
        Fitting::command(self.words)
    }

    fn pod(&self, target: &ObjectRef) -> Option<&'a Pod> {
        self.topology.state().pods.get(target.ns(), &target.name)
    }

    /// Whether a pod is nobody's.
    fn is_bare(&self, target: &ObjectRef) -> bool {
        self.pod(target).is_some_and(|pod| !is_static(pod) && pod.metadata.controller().is_none())
    }

    fn cron_job(&self, job: &ObjectRef) -> Option<ObjectRef> {
        let job = self.topology.state().workload_of(job)?;
        let owner = job.metadata.controller().filter(|owner| owner.kind == Kind::CronJob.as_str())?;
        Some(ObjectRef::new(Kind::CronJob, &job.metadata.namespace, &owner.name))
    }
}

/// Whether the kind keeps revisions that `kubectl rollout` knows.
fn has_rollout(kind: &Kind) -> bool {
    matches!(kind, Kind::Deployment | Kind::StatefulSet | Kind::DaemonSet)
}

/// Whether there is a revision to go back to.
fn has_earlier_revision(target: &ObjectRef, topology: &Topology<'_>) -> bool {
    let state = topology.state();
    match target.kind {
        Kind::Deployment => topology.controlled_workloads(target).nth(1).is_some(),
        Kind::StatefulSet | Kind::DaemonSet => {
            let own =
                |owner: &OwnerReference| owner.kind == target.kind.as_str() && owner.name == *target.name;
            let revisions = state.controller_revisions.in_namespace(target.ns()).iter();
            let kept = revisions.filter(|one| one.metadata.controller().is_some_and(own)).count();
            let differ = state.workload_of(target).is_some_and(|workload| {
                let status = &workload.status;
                !status.current_revision.is_empty() && status.current_revision != status.update_revision
            });
            kept > 1 || differ
        }
        _ => false,
    }
}

/// Whether the pod mirrors a file of its node; such a pod is owned by the Node.
fn is_static(pod: &Pod) -> bool {
    let node = |owner: &OwnerReference| owner.kind == Kind::Node.as_str();
    !pod.metadata.annotation(MIRROR).is_empty() || pod.metadata.controller().is_some_and(node)
}

fn has_previous_run(pod: &Pod, container: Option<&str>) -> bool {
    let mut statuses = pod.status.all_containers();
    statuses.any(|status| {
        container.is_none_or(|name| name == status.name)
            && (status.restart_count > 0 || status.last_state.terminated.is_some())
    })
}

/// Whether a container (the first where none is named) runs now, so that a command can run in it.
fn is_running(pod: &Pod, container: Option<&str>) -> bool {
    let name = container.or_else(|| pod.spec.containers.first().map(|first| first.name.as_str()));
    let mut statuses = pod.status.all_containers();
    statuses.any(|status| name == Some(status.name.as_str()) && status.state.running.is_some())
}

fn restarts(pod: &Pod, container: Option<&str>) -> i64 {
    let statuses = pod.status.all_containers();
    let meant = statuses.filter(|status| container.is_none_or(|name| name == status.name));
    meant.map(|status| status.restart_count).sum()
}

/// As `kubectl` takes the kind and name of an owner.
fn owner_arg(owner: &OwnerReference) -> String {
    format!("{}/{}", owner.kind.to_lowercase(), owner.name)
}

fn kubectl(object: &ObjectRef, words: &[&str]) -> Vec<String> {
    ["kubectl", "-n", object.ns()].iter().chain(words).map(|word| (*word).to_owned()).collect()
}

/// Deletes a Job and makes it again from the CronJob it came from.
fn run_again(job: &ObjectRef, cron: &ObjectRef) -> Vec<String> {
    let from = format!("--from={}", template::arg(cron));
    let create = kubectl(job, &["create", "job", &job.name, &from]);
    deleted_first(job, create)
}

fn apply_again(object: &ObjectRef) -> Vec<String> {
    deleted_first(object, kubectl(object, &["apply", "-f", "<manifest>"]))
}

fn deleted_first(object: &ObjectRef, then: Vec<String>) -> Vec<String> {
    let mut words = kubectl(object, &["delete", &template::arg(object)]);
    words.push("&&".to_owned());
    words.extend(then);
    words
}

#[cfg(test)]
mod tests;
