use serde_json::{Value, json};

use super::*;
use crate::cluster::ClusterState;
use crate::knowledge::template::Words;

fn state(objects: &[Value]) -> ClusterState {
    let mut state = ClusterState::default();
    for object in objects {
        let mut object = object.clone();
        object["metadata"]["namespace"] = "shop".into();
        let kind = Kind::from(object["kind"].as_str().unwrap());
        state.add_json(&kind, &object.to_string()).unwrap();
    }
    state.finish();
    state
}

/// The steps that one template gives for an object.
fn steps(objects: &[Value], kind: Kind, name: &str, command: &str) -> Vec<(String, String)> {
    let state = state(objects);
    let topology = Topology::new(&state);
    let fact = Fact::new("image.pull", ObjectRef::new(kind, "shop", name)).param("container", "app");
    let words = Words::new();
    let template = StepTemplate { text: "Correct it".to_owned(), command: Some(command.to_owned()) };
    fitted(&[template], Filler::new(&fact, &words), &fact, &topology, str::to_owned)
        .into_iter()
        .map(|step| (step.text, step.command.unwrap_or_default()))
        .collect()
}

const EDIT: &str = "kubectl -n {{subject.namespace}} edit {{subject.arg}}";
const UNDO: &str = "kubectl -n {{subject.namespace}} rollout undo {{subject.arg}}";
const RESTART: &str = "kubectl -n {{subject.namespace}} rollout restart {{subject.arg}}";
const LOGS: &str =
    "kubectl -n {{subject.namespace}} logs {{subject.arg}} -c {{container}} --previous --tail=50";

fn owned(kind: &str, name: &str, owner_kind: &str, owner: &str) -> Value {
    json!({"kind": kind, "metadata": {"name": name,
        "ownerReferences": [{"kind": owner_kind, "name": owner, "controller": true}]}})
}

fn commands(steps: &[(String, String)]) -> Vec<&str> {
    steps.iter().map(|(_, command)| command.as_str()).collect()
}

#[test]
fn a_job_is_made_again_from_its_cron_job() {
    let job = owned("Job", "report-1", "CronJob", "report");
    let found = steps(std::slice::from_ref(&job), Kind::Job, "report-1", EDIT);
    let again =
        "kubectl -n shop delete job/report-1 && kubectl -n shop create job report-1 --from=cronjob/report";
    assert_eq!(commands(&found), ["kubectl -n shop edit cronjob/report", again]);
    let image = "kubectl -n {{subject.namespace}} set image {{subject.arg}} {{container}}=<image>";
    let found = steps(std::slice::from_ref(&job), Kind::Job, "report-1", image);
    assert_eq!(commands(&found)[0], "kubectl -n shop set image cronjob/report app=<image>");
    assert_eq!(commands(&steps(std::slice::from_ref(&job), Kind::Job, "report-1", RESTART)), [again]);
    assert!(steps(&[job], Kind::Job, "report-1", UNDO).is_empty());
}

#[test]
fn a_job_of_its_own_is_applied_again() {
    let job = json!({"kind": "Job", "metadata": {"name": "migrate"}});
    let found = steps(std::slice::from_ref(&job), Kind::Job, "migrate", EDIT);
    assert_eq!(found[0], ("Correct it".to_owned(), String::new()));
    assert_eq!(found[1].1, "kubectl -n shop delete job/migrate && kubectl -n shop apply -f <manifest>");
    let resume = "kubectl -n {{subject.namespace}} patch {{subject.arg}} -p '{\"spec\":{\"suspend\":false}}'";
    let found = steps(&[job], Kind::Job, "migrate", resume);
    assert_eq!(commands(&found), ["kubectl -n shop patch job/migrate -p '{\"spec\":{\"suspend\":false}}'"]);
}

#[test]
fn there_is_something_to_undo_only_with_an_earlier_revision() {
    let web = json!({"kind": "Deployment", "metadata": {"name": "web"}});
    let first = owned("ReplicaSet", "web-1", "Deployment", "web");
    let second = owned("ReplicaSet", "web-2", "Deployment", "web");
    assert!(steps(&[web.clone(), first.clone()], Kind::Deployment, "web", UNDO).is_empty());
    let found = steps(&[web, first, second], Kind::Deployment, "web", UNDO);
    assert_eq!(commands(&found), ["kubectl -n shop rollout undo deployment/web"]);
    let set = json!({"kind": "StatefulSet", "metadata": {"name": "db"},
        "status": {"currentRevision": "db-1", "updateRevision": "db-2"}});
    assert_eq!(steps(&[set], Kind::StatefulSet, "db", UNDO).len(), 1);
}

#[test]
fn a_static_pod_is_changed_in_its_manifest() {
    let mut pod = owned("Pod", "kube-scheduler-cp-1", "Node", "cp-1");
    pod["spec"] = json!({"nodeName": "cp-1"});
    let found = steps(std::slice::from_ref(&pod), Kind::Pod, "kube-scheduler-cp-1", EDIT);
    assert!(found[1].0.contains("manifest on Node cp-1"), "{found:?}");
    assert_eq!(commands(&found), ["", ""]);
    assert!(steps(&[pod], Kind::Pod, "kube-scheduler-cp-1", UNDO).is_empty());
}

#[test]
fn a_pod_follows_its_owner() {
    let pod = owned("Pod", "events-0", "Kafka", "events");
    let found = steps(&[pod], Kind::Pod, "events-0", EDIT);
    assert_eq!(commands(&found), ["", "kubectl -n shop edit kafka/events"]);
}

#[test]
fn a_look_inside_names_the_pod_that_fails() {
    let pod = |name: &str, restarts: i64| {
        let mut pod = owned("Pod", name, "StatefulSet", "db");
        pod["status"] = json!({"containerStatuses": [{"name": "app", "restartCount": restarts}],
            "conditions": [{"type": "Ready", "status": if restarts > 0 { "False" } else { "True" }}]});
        pod
    };
    let set = json!({"kind": "StatefulSet", "metadata": {"name": "db"}});
    let found = steps(&[set.clone(), pod("db-0", 0), pod("db-1", 4)], Kind::StatefulSet, "db", LOGS);
    assert_eq!(commands(&found), ["kubectl -n shop logs pod/db-1 -c app --previous --tail=50"]);
    // There is no last run of what never ended.
    let found = steps(&[set, pod("db-0", 0)], Kind::StatefulSet, "db", LOGS);
    assert_eq!(commands(&found), ["kubectl -n shop logs pod/db-0 -c app --tail=50"]);
}

#[test]
fn a_pod_has_its_spec_elsewhere() {
    let look = "kubectl -n {{subject.namespace}} get {{subject.arg}} -o jsonpath='{.spec.template.spec.containers[*].ports}'";
    let pod = json!({"kind": "Pod", "metadata": {"name": "web"}});
    let found = steps(&[pod], Kind::Pod, "web", look);
    assert_eq!(commands(&found), ["kubectl -n shop get pod/web -o jsonpath='{.spec.containers[*].ports}'"]);
}
