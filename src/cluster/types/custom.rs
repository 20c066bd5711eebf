//! A custom resource of a known kind: what its controller states, and what it names.
//!
//! Whatever the kind, the same few things are kept: statements of health, references, and what
//! routing rules and chaos experiments need. The rest of the object is dropped at the door.

mod names;

use serde::Serialize;
use serde_json::Value;

use super::{Map, Meta, Time};
use crate::cluster::custom::{Resource, Word};
use crate::cluster::types::Text;
use crate::cluster::{Kind, ObjectRef};

/// How good or bad a statement is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Health {
    /// As it should be, or meant so.
    Good,
    /// It works on it, or does not know yet.
    Unknown,
    /// It works on it; a fault where that lasts.
    Slow,
    /// A fault.
    Bad,
}

/// One statement about an object's health.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Statement {
    /// Where it stands: `status.conditions[Ready]`.
    pub path: String,
    /// The condition's type, or the field's name.
    pub r#type: String,
    /// The condition's status, or the field's value.
    pub status: String,
    /// The reason, in one word.
    pub reason: String,
    /// The reason, in words.
    pub message: String,
    /// Since when.
    pub since: Time,
    /// What it means.
    pub health: Health,
}

/// An object that a custom resource names.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Reference {
    /// The field, such as `spec.issuerRef`.
    pub field: &'static str,
    /// The object.
    pub object: ObjectRef,
    /// The port of a backend.
    pub port: Option<i64>,
}

/// Where a routing rule sends requests.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Destination {
    /// The host as written.
    pub host: String,
    /// The subset of its pods.
    pub subset: String,
}

/// A named subset of a host's pods.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Subset {
    /// Its name.
    pub name: String,
    /// Labels that its pods have.
    pub labels: Map<Text>,
}

/// A custom resource of a known kind.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CustomResource {
    /// The kind; always one of [`crate::cluster::custom::RESOURCES`].
    pub kind: Kind,
    /// The object's metadata.
    pub metadata: Meta,
    /// Whether somebody suspended or paused it.
    pub paused: bool,
    /// Whether it has any status.
    pub has_status: bool,
    /// The generation that its controller saw last, where it says.
    pub observed_generation: Option<i64>,
    /// Who wrote the status.
    pub status_manager: String,
    /// What it states of its health.
    pub statements: Box<[Statement]>,
    /// What it names.
    pub references: Box<[Reference]>,
    /// The Secret that it makes.
    pub secret: Option<String>,
    /// Objects it deployed that it says are not healthy, and pods that a fault is injected into.
    pub parts: Box<[ObjectRef]>,
    /// The host of a rule about destinations.
    pub host: String,
    /// The hosts whose requests a route takes.
    pub hostnames: Box<[String]>,
    /// The mode of mutual TLS that a policy of a mesh asks for; empty: it asks for none, or for
    /// different ones by port.
    pub mtls: String,
    /// Labels of the pods that such a policy is about; empty: all.
    pub selector: Map<Text>,
    /// Subsets that such a rule defines.
    pub subsets: Box<[Subset]>,
    /// Subsets that a routing rule sends requests to.
    pub destinations: Box<[Destination]>,
    /// What a chaos experiment does.
    pub action: String,
}

impl super::Object for CustomResource {
    fn meta(&self) -> &Meta {
        &self.metadata
    }
    fn kind(&self) -> Kind {
        self.kind.clone()
    }
}

/// Reasons of a controller that is still at work.
const AT_WORK: &[&str] = &[
    "AddressNotAssigned",
    "Creating",
    "DependencyNotReady",
    "DoesNotExist",
    "InProgress",
    "Initializing",
    "Issuing",
    "Pending",
    "Progressing",
    "ProgressingWithRetry",
    "Reconciling",
    "Waiting",
];
/// Reasons that somebody meant.
const MEANT: &[&str] =
    &["Copied", "Paused", "RequiresApproval", "Suspended", "UserSpecifiedUnavailable", "ScaledObjectPaused"];

impl CustomResource {
    /// Reads one; none of a kind that is not known.
    ///
    /// # Errors
    /// Where the JSON is no object with metadata.
    pub fn read(kind: &Kind, json: &str) -> Result<Option<Self>, serde_json::Error> {
        let Some(resource) = kind.custom() else { return Ok(None) };
        let value: Value = serde_json::from_str(json)?;
        let mut metadata: Meta = serde_json::from_value(at(&value, "/metadata").clone())?;
        let writers = metadata.managed_fields.iter().filter(|writer| writer.subresource == "status");
        let status_manager = writers
            .max_by_key(|writer| writer.time)
            .map(|writer| writer.manager.to_string())
            .unwrap_or_default();
        metadata.keep_last_write();
        let mut read = Self {
            kind: kind.clone(),
            paused: is_paused(&value, &metadata),
            has_status: at(&value, "/status").as_object().is_some_and(|status| !status.is_empty()),
            observed_generation: observed(&value),
            status_manager,
            statements: statements(resource, &value),
            metadata,
            references: Box::default(),
            secret: None,
            parts: Box::default(),
            host: String::new(),
            hostnames: Box::default(),
            mtls: String::new(),
            selector: Map::default(),
            subsets: Box::default(),
            destinations: Box::default(),
            action: String::new(),
        };
        names::read(resource, &value, &mut read);
        Ok(Some(read))
    }

    /// The worst that it states: of equals the first.
    pub fn worst(&self) -> Option<&Statement> {
        // The first of equals, where `max_by_key` would give the last.
        self.statements.iter().rev().max_by_key(|statement| statement.health)
    }
}

fn is_paused(value: &Value, metadata: &Meta) -> bool {
    let annotated = |key: &str| !matches!(metadata.annotation(key), "" | "false");
    let condition = items(value, "/status/conditions")
        .any(|condition| text(condition, "/type") == "Paused" && text(condition, "/status") == "True");
    at(value, "/spec/suspend").as_bool().unwrap_or_default()
        || condition
        || [
            "autoscaling.keda.sh/paused",
            "autoscaling.keda.sh/paused-replicas",
            "experiment.chaos-mesh.org/pause",
            "strimzi.io/pause-reconciliation",
        ]
        .into_iter()
        .any(annotated)
}

/// The generation of the status, else the newest of its conditions.
fn observed(value: &Value) -> Option<i64> {
    at(value, "/status/observedGeneration").as_i64().or_else(|| {
        items(value, "/status/conditions").filter_map(|one| at(one, "/observedGeneration").as_i64()).max()
    })
}

fn statements(resource: &Resource, value: &Value) -> Box<[Statement]> {
    let mut found = Vec::new();
    for word in resource.words {
        found.extend(said(word, value));
    }
    conditions(resource, value, "status.conditions", &mut found);
    for (list, name) in [("parents", "/parentRef/name"), ("listeners", "/name")] {
        for one in items(value, &format!("/status/{list}")) {
            conditions(resource, one, &format!("status.{list}[{}].conditions", text(one, name)), &mut found);
        }
    }
    if resource.kind == "Certificate" {
        issuing(value, &mut found);
    }
    if resource.kind == "Application" {
        superseded(value, &mut found);
    }
    found.into()
}

fn said(word: &Word, value: &Value) -> Option<Statement> {
    let status = text(value, word.at);
    let [reason, message, since] = word.said.map(|pointer| text(value, pointer));
    let health = match status {
        "" => return None,
        _ if MEANT.contains(&reason) => Health::Good,
        bad if word.bad.contains(&bad) => Health::Bad,
        slow if word.slow.contains(&slow) && !(reason.is_empty() && message.is_empty()) => Health::Slow,
        _ => Health::Good,
    };
    Some(Statement {
        path: word.at.trim_start_matches('/').replace('/', "."),
        r#type: word.at.rsplit('/').next().unwrap_or_default().to_owned(),
        status: status.to_owned(),
        reason: reason.to_owned(),
        message: message.to_owned(),
        since: Time::from(since.parse().ok()),
        health,
    })
}

/// Adds the conditions that tell of health.
fn conditions(resource: &Resource, value: &Value, path: &str, found: &mut Vec<Statement>) {
    let pointer = if path.starts_with("status.conditions") { "/status/conditions" } else { "/conditions" };
    for condition in items(value, pointer) {
        let name = text(condition, "/type");
        // A condition without a status holds because it is there.
        let status = Some(text(condition, "/status")).filter(|status| !status.is_empty()).unwrap_or("True");
        let reason = text(condition, "/reason");
        let fault = match (resource.good.contains(&name), resource.bad.contains(&name)) {
            (true, _) => status == "False",
            (_, true) => status == "True",
            _ => continue,
        };
        let health = match (fault, status) {
            (true, _) if MEANT.contains(&reason) => Health::Good,
            (true, _) if AT_WORK.contains(&reason) => Health::Slow,
            (true, _) => Health::Bad,
            (false, "Unknown") => Health::Unknown,
            (false, _) => Health::Good,
        };
        found.push(Statement {
            path: format!("{path}[{name}]"),
            r#type: name.to_owned(),
            status: status.to_owned(),
            reason: reason.to_owned(),
            message: text(condition, "/message").to_owned(),
            since: Time::from(text(condition, "/lastTransitionTime").parse().ok()),
            health,
        });
    }
}

/// Of a Certificate that is not ready, `Issuing` tells whether somebody works on it, and why the
/// last try failed.
fn issuing(value: &Value, found: &mut [Statement]) {
    let Some(issuing) = items(value, "/status/conditions").find(|one| text(one, "/type") == "Issuing") else {
        return;
    };
    let since = Time::from(text(issuing, "/lastTransitionTime").parse().ok());
    for ready in found.iter_mut().filter(|one| one.health >= Health::Slow) {
        let failed = text(issuing, "/status") == "False" && text(issuing, "/reason") == "Failed";
        if failed {
            ready.health = Health::Bad;
            ready.reason = text(issuing, "/reason").to_owned();
            ready.message = text(issuing, "/message").to_owned();
        } else if text(issuing, "/status") == "True" {
            ready.health = Health::Slow;
            ready.since = since;
        }
    }
}

/// A failed sync is history where the application is in sync since.
fn superseded(value: &Value, found: &mut [Statement]) {
    if text(value, "/status/sync/status") == "Synced" {
        for one in found.iter_mut().filter(|one| one.path.contains("operationState")) {
            one.health = Health::Good;
        }
    }
}

/// The value at a JSON pointer; null where there is none.
fn at<'v>(value: &'v Value, pointer: &str) -> &'v Value {
    value.pointer(pointer).unwrap_or(&Value::Null)
}

/// The text at a JSON pointer; empty where there is none.
fn text<'v>(value: &'v Value, pointer: &str) -> &'v str {
    if pointer.is_empty() { "" } else { at(value, pointer).as_str().unwrap_or_default() }
}

/// The items of the list at a JSON pointer.
fn items<'v>(value: &'v Value, pointer: &str) -> std::slice::Iter<'v, Value> {
    at(value, pointer).as_array().map(Vec::as_slice).unwrap_or_default().iter()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(object: Value) -> CustomResource {
        let kind = Kind::from(object["kind"].as_str().unwrap());
        CustomResource::read(&kind, &object.to_string()).unwrap().unwrap()
    }

    fn worst(object: Value) -> (Health, String) {
        let read = read(object);
        let worst = read.worst().unwrap();
        (worst.health, worst.message.clone())
    }

    #[test]
    fn conditions_are_judged_by_their_polarity() {
        let keda = |ready: &str, fallback: &str| {
            worst(json!({"kind": "ScaledObject", "metadata": {"name": "a"}, "status": {"conditions": [
                {"type": "Ready", "status": ready, "message": "ready"},
                {"type": "Active", "status": "False", "message": "active"},
                {"type": "Fallback", "status": fallback, "message": "fallback"}]}}))
        };
        assert_eq!(keda("True", "False").0, Health::Good);
        assert_eq!(keda("False", "False"), (Health::Bad, "ready".to_owned()));
        assert_eq!(keda("True", "True"), (Health::Bad, "fallback".to_owned()));
        assert_eq!(keda("Unknown", "Unknown").0, Health::Unknown);
    }

    #[test]
    fn a_certificate_that_is_being_issued_is_at_work_and_one_that_failed_says_why() {
        let certificate = |issuing: &str, reason: &str| {
            worst(json!({"kind": "Certificate", "metadata": {"name": "a"}, "status": {"conditions": [
                {"type": "Ready", "status": "False", "reason": "DoesNotExist", "message": "no secret"},
                {"type": "Issuing", "status": issuing, "reason": reason, "message": "order invalid"}]}}))
        };
        assert_eq!(certificate("True", "DoesNotExist").0, Health::Slow);
        assert_eq!(certificate("False", "Failed"), (Health::Bad, "order invalid".to_owned()));
    }

    #[test]
    fn conditions_of_parents_and_words_of_the_status_count() {
        let route = read(json!({"kind": "HTTPRoute", "metadata": {"name": "a"}, "status": {"parents": [
            {"parentRef": {"name": "public"}, "conditions": [{"type": "ResolvedRefs", "status": "False", "reason": "BackendNotFound"}]}]}}));
        assert_eq!(route.worst().unwrap().path, "status.parents[public].conditions[ResolvedRefs]");
        let application = |sync: &str| {
            worst(json!({"kind": "Application", "metadata": {"name": "a"}, "status": {
                "sync": {"status": sync}, "health": {"status": "Healthy"},
                "operationState": {"phase": "Failed", "message": "one or more objects failed"}}}))
        };
        assert_eq!(application("OutOfSync").0, Health::Bad);
        assert_eq!(application("Synced").0, Health::Good);
        let copied = worst(
            json!({"kind": "ClusterServiceVersion", "metadata": {"name": "a"}, "status": {"phase": "Failed", "reason": "Copied"}}),
        );
        assert_eq!(copied.0, Health::Good);
    }
}
