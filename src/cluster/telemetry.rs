//! Alerts and range metrics, which only a snapshot carries.

use super::types::{Map, Text, Time, slim};

slim! {
    /// An alert of Alertmanager's API v2.
    Alert {
        labels: Map<Text>,
        annotations: Map<Text>,
        starts_at: Time,
        status: AlertStatus,
    }
    /// State of an alert.
    AlertStatus { state: Text, }

    /// A Prometheus `query_range` answer.
    RangeAnswer { data: RangeData, }
    /// The payload of a range answer.
    RangeData { result: Box<[Series]>, }
    /// One time series: labels and samples of (Unix seconds, value as text).
    Series { metric: Map<Text>, values: Box<[Sample]>, }
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
