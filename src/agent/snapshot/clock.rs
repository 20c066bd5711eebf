//! When a snapshot was taken, where it does not say so itself.

use jiff::Timestamp;
use serde_json::Value;

use super::Snapshot;
use crate::cluster::Kind;

/// The newest time that a component of the cluster wrote: lease renewals, heartbeats, status
/// changes and events. Alerts are left out: their end lies in the future.
pub(super) fn newest(snapshot: &Snapshot) -> Option<Timestamp> {
    let mut newest = None;
    for (kind, lists) in &snapshot.lists {
        for list in lists {
            for item in list.items().unwrap_or_default() {
                let Ok(object) = serde_json::from_str::<Value>(list.json(item)) else { continue };
                let written = match kind {
                    Kind::Event => Some(&object),
                    Kind::Lease => object.get("spec"),
                    Kind::PodMetrics | Kind::NodeMetrics => object.get("timestamp"),
                    _ => object.get("status"),
                };
                newest = newest.max(written.and_then(|value| newest_in(value, "timestamp")));
            }
        }
    }
    newest
}

/// The newest time in a value, by the endings that the API's time fields have.
fn newest_in(value: &Value, key: &str) -> Option<Timestamp> {
    match value {
        Value::String(text) if is_time(key) => text.parse().ok(),
        Value::Array(values) => values.iter().filter_map(|value| newest_in(value, key)).max(),
        Value::Object(fields) => fields.iter().filter_map(|(key, value)| newest_in(value, key)).max(),
        _ => None,
    }
}

fn is_time(key: &str) -> bool {
    // A deletion is planned ahead, and says nothing of the present.
    key != "deletionTimestamp"
        && ["Time", "Timestamp", "At", "timestamp"].iter().any(|ending| key.ends_with(ending))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_time_fields_count() {
        let value = serde_json::json!({
            "conditions": [{"lastHeartbeatTime": "2026-01-02T03:04:05Z", "message": "2027-01-01T00:00:00Z"}],
            "deletionTimestamp": "2028-01-01T00:00:00Z",
        });
        assert_eq!(newest_in(&value, ""), "2026-01-02T03:04:05Z".parse().ok());
    }
}
