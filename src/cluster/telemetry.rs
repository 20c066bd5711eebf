//! Alerts and range metrics, which only a snapshot carries.

use std::collections::BTreeMap;

use super::types::{Time, slim};

slim! {
    /// An alert of Alertmanager's API v2.
    Alert {
        labels: BTreeMap<String, String>,
        annotations: BTreeMap<String, String>,
        starts_at: Time,
        status: AlertStatus,
    }
    /// State of an alert.
    AlertStatus { state: String, }

    /// A Prometheus `query_range` answer.
    RangeAnswer { data: RangeData, }
    /// The payload of a range answer.
    RangeData { result: Vec<Series>, }
    /// One time series: labels and samples of (Unix seconds, value as text).
    Series { metric: BTreeMap<String, String>, values: Vec<Sample>, }
}

/// One sample: Unix seconds and the value as Prometheus writes it.
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Sample(pub f64, pub String);

impl Sample {
    /// The value; none where it is no number.
    pub fn value(&self) -> Option<f64> {
        self.1.parse().ok()
    }
}
