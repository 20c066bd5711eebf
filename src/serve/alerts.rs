//! Alertmanager's webhook, version 4: one incident for each alert group.
//!
//! A notification of a group that has an incident is folded into it; one that says that the group
//! is resolved is noted there. Fields that this version of Alertmanager's format does not have are
//! accepted, because Alertmanager adds some without a new version.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::api::LONGEST_DESCRIPTION;
use super::app::SharedApp;
use super::extract::{JsonBody, LARGE};
use super::guard::Asker;
use super::problem::{Kind, Problem};
use crate::redact;
use crate::store::{AlertGroup, Creation, NewIncident, Question};

/// Longest key of a group, in characters.
const LONGEST_KEY: usize = 4096;
/// Alerts that a description is made of.
const ALERTS_TOLD: usize = 5;

/// A notification, as Alertmanager's webhook receiver sends it.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Notification {
    /// The version of the format.
    #[schema(value_type = NotificationVersion)]
    version: String,
    /// What tells the group from others.
    #[schema(min_length = 1, max_length = 4096)]
    group_key: String,
    /// Whether any alert of the group fires.
    status: AlertStatus,
    /// Labels that all alerts share.
    #[serde(default)]
    common_labels: BTreeMap<String, String>,
    /// Annotations that all alerts share.
    #[serde(default)]
    common_annotations: BTreeMap<String, String>,
    /// The alerts.
    #[serde(default)]
    alerts: Vec<AlertInfo>,
}

/// The only version of the format there is.
#[derive(ToSchema)]
#[expect(dead_code, reason = "the schema of a text that has one value")]
pub(crate) enum NotificationVersion {
    /// Version 4.
    #[schema(rename = "4")]
    Four,
}

/// Whether an alert fires.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum AlertStatus {
    /// It fires.
    Firing,
    /// It does not fire any more.
    Resolved,
}

/// One alert.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct AlertInfo {
    /// Whether it fires.
    status: AlertStatus,
    /// Its labels.
    #[serde(default)]
    labels: BTreeMap<String, String>,
    /// Its annotations.
    #[serde(default)]
    annotations: BTreeMap<String, String>,
}

/// What became of a notification.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Noted {
    /// The group's incident; null where there is none, because it never fired here.
    incident_id: Option<Uuid>,
    /// What was done.
    outcome: Outcome,
}

/// What was done with a notification.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Outcome {
    /// A new incident is investigated.
    Created,
    /// It was counted with the group's incident.
    Folded,
    /// The group's incident says now that the alerts are resolved.
    Resolved,
    /// The group has no incident, and nothing fires.
    Ignored,
}

/// Take alerts from Alertmanager
///
/// One incident for each group key. Repeats are folded into it and a resolution is noted there;
/// a group that fires again after that gets a new incident.
#[utoipa::path(post, path = "/api/v1/alerts", operation_id = "receiveAlerts", tag = "alerts",
    request_body = Notification,
    responses((status = 202, description = "A new incident is investigated", body = Noted,
            headers(("Location" = String, description = "The incident's path"))),
        (status = 200, description = "Noted with the group's incident, if it has one", body = Noted)))]
pub(crate) async fn receive(
    State(app): State<SharedApp>,
    asker: Asker,
    JsonBody(notification): JsonBody<Notification, LARGE>,
) -> Result<Response, Problem> {
    notification.check()?;
    let now = Timestamp::now();
    let noted = |id: Option<Uuid>, outcome| Json(Noted { incident_id: id, outcome });
    if notification.status == AlertStatus::Resolved {
        let resolved = app.store.resolve(&notification.group_key, now).await?;
        let id = resolved.map(|incident| incident.id);
        let outcome = if id.is_some() { Outcome::Resolved } else { Outcome::Ignored };
        return Ok(noted(id, outcome).into_response());
    }
    let new = NewIncident {
        id: Uuid::now_v7(),
        question: notification.question(),
        request_id: asker.request_id,
        created_at: now,
        idempotency: None,
        alert: Some(AlertGroup {
            firing: notification.firing().count(),
            key: notification.group_key,
            notifications: 1,
            last_at: now,
            resolved_at: None,
        }),
    };
    match app.desk.submit(new).await? {
        Creation::Created(incident) => {
            let place = [(axum::http::header::LOCATION, super::incidents::path(incident.id))];
            Ok((StatusCode::ACCEPTED, place, noted(Some(incident.id), Outcome::Created)).into_response())
        }
        Creation::Folded(incident) | Creation::Replayed(incident) => {
            Ok(noted(Some(incident.id), Outcome::Folded).into_response())
        }
        Creation::KeyReused => Err(Problem::new(Kind::Internal, "an alert group has no idempotency key")),
    }
}

impl Notification {
    fn check(&self) -> Result<(), Problem> {
        let wrong = |what: &str| Err(Problem::new(Kind::InvalidRequest, what));
        if self.version != "4" {
            return wrong("`version`: only \"4\" is known");
        }
        match self.group_key.chars().count() {
            0 => wrong("`groupKey`: it is empty"),
            length if length > LONGEST_KEY => wrong("`groupKey`: it may have 4096 characters"),
            _ => Ok(()),
        }
    }

    fn firing(&self) -> impl Iterator<Item = &AlertInfo> {
        self.alerts.iter().filter(|alert| alert.status == AlertStatus::Firing)
    }

    /// The alerts as a description, in the spelling that chat receivers have.
    fn question(&self) -> Question {
        let mut lines: Vec<String> = Vec::new();
        for alert in self.firing().take(ALERTS_TOLD) {
            let line = told(&alert.labels, &alert.annotations);
            if !lines.contains(&line) {
                lines.push(line);
            }
        }
        if lines.is_empty() {
            lines.push(told(&self.common_labels, &self.common_annotations));
        }
        let text = format!("[FIRING:{}] {}", self.firing().count(), lines.join("\n"));
        let end = text.char_indices().nth(LONGEST_DESCRIPTION).map_or(text.len(), |(end, _)| end);
        let description = redact::clean(text.get(..end).unwrap_or(&text)).into_owned();
        Question { description, ..Question::default() }
    }
}

/// Labels that name what an alert is about, in the order in which they are told.
const NAMING: [&str; 14] = [
    "namespace",
    "deployment",
    "statefulset",
    "daemonset",
    "job_name",
    "cronjob",
    "pod",
    "container",
    "service",
    "ingress",
    "horizontalpodautoscaler",
    "persistentvolumeclaim",
    "node",
    "reason",
];

/// One alert in a line: name, what it says, what it is about.
fn told(labels: &BTreeMap<String, String>, annotations: &BTreeMap<String, String>) -> String {
    let annotation = ["summary", "description", "message"].iter().find_map(|name| annotations.get(*name));
    let about: Vec<String> = NAMING
        .iter()
        .filter_map(|name| {
            labels.get(*name).filter(|value| !value.is_empty()).map(|value| format!("{name}={value}"))
        })
        .collect();
    let name = labels.get("alertname").map(String::as_str).unwrap_or_default();
    let mut line = [name, annotation.map(String::as_str).unwrap_or_default()].join(" ").trim().to_owned();
    if !about.is_empty() {
        line = format!("{line} ({})", about.join(", "));
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_becomes_a_description() {
        let notification: Notification = serde_json::from_value(serde_json::json!({
            "version": "4", "groupKey": "{}:{alertname=\"KubePodCrashLooping\"}", "status": "firing",
            "receiver": "sre-orch", "truncatedAlerts": 0, "groupLabels": {}, "externalURL": "",
            "commonLabels": {"alertname": "KubePodCrashLooping"}, "commonAnnotations": {},
            "alerts": [
                {"status": "firing", "startsAt": "2026-03-01T11:00:00Z", "fingerprint": "a",
                 "labels": {"alertname": "KubePodCrashLooping", "namespace": "shop", "pod": "web-1"},
                 "annotations": {"summary": "Pod is crash looping."}},
                {"status": "resolved", "labels": {"alertname": "KubePodCrashLooping", "pod": "web-2"}, "annotations": {}}
            ]
        }))
        .unwrap();
        assert!(notification.check().is_ok());
        assert_eq!(
            notification.question().description,
            "[FIRING:1] KubePodCrashLooping Pod is crash looping. (namespace=shop, pod=web-1)"
        );
    }
}
