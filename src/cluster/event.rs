//! Events, old and new shape alike.

use std::cmp::Ordering;

use super::object::{Kind, ObjectRef};
use super::types::{Text, Time, slim};
use super::work;

slim! {
    /// A core/v1 Event; events.k8s.io fields are read where they are set.
    Event {
        metadata: EventMeta,
        r#type: Text,
        reason: Text,
        message: Text,
        involved_object: InvolvedObject,
        count: Option<i64>,
        first_timestamp: Time,
        last_timestamp: Time,
        event_time: Time,
        series: Option<EventSeries>,
        source: EventSource,
    }
    /// What is kept of an event's own metadata.
    EventMeta { name: Text, namespace: Text, creation_timestamp: Time, }
    /// The object that an event is about.
    InvolvedObject { kind: Text, namespace: Text, name: Text, field_path: Text, }
    /// A repeated event of the newer shape.
    EventSeries { count: i64, last_observed_time: Time, }
    /// Who reported an event.
    EventSource { component: Text, host: Text, }
}

impl Event {
    /// The object that the event is about.
    pub fn object(&self) -> ObjectRef {
        let (kind, namespace, name) = self.about();
        ObjectRef::new(kind, namespace.unwrap_or_default(), name)
    }

    /// How [`Event::object`] is ordered against another object, without making one.
    pub fn cmp_object(&self, object: &ObjectRef) -> Ordering {
        let (kind, namespace, name) = self.about();
        kind.cmp(&object.kind)
            .then_with(|| namespace.cmp(&object.namespace.as_deref()))
            .then_with(|| name.cmp(&object.name))
    }

    fn about(&self) -> (Kind, Option<&str>, &str) {
        let involved = &self.involved_object;
        let kind = Kind::from(involved.kind.as_str());
        let namespace = kind.namespaced() && !involved.namespace.is_empty();
        (kind, namespace.then_some(involved.namespace.as_str()), &involved.name)
    }

    /// When the event was last seen.
    pub fn last(&self) -> Time {
        let series = self.series.as_ref().map_or(Time::NONE, |series| series.last_observed_time);
        self.last_timestamp.max(series).max(self.event_time).max(self.first_timestamp)
    }

    /// When the event was first seen.
    pub fn first(&self) -> Time {
        [self.first_timestamp, self.event_time, self.last_timestamp, self.metadata.creation_timestamp]
            .into_iter()
            .filter(|time| time.is_some())
            .min()
            .unwrap_or_default()
    }

    /// How often the event was seen.
    pub fn times(&self) -> i64 {
        self.count.or(self.series.as_ref().map(|series| series.count)).unwrap_or(1).max(1)
    }

    /// Whether the event is a warning.
    pub fn is_warning(&self) -> bool {
        self.r#type == "Warning"
    }

    /// The container that `fieldPath` names, as in `spec.containers{app}`.
    pub fn container(&self) -> Option<&str> {
        let (_, rest) = self.involved_object.field_path.split_once('{')?;
        rest.split_once('}').map(|(name, _)| name)
    }
}

/// Every event, ordered by the object it is about, then by time.
#[derive(Clone, Debug, Default)]
pub struct Events {
    items: Vec<Event>,
}

impl Events {
    /// Adds an event; lookups are right only after [`Events::finish`].
    pub fn push(&mut self, event: Event) {
        self.items.push(event);
    }

    /// Takes over the events of a part that was read separately.
    pub fn absorb(&mut self, part: Self) {
        self.items.reserve_exact(part.items.len());
        self.items.extend(part.items);
    }

    /// Sorts, and drops what was read twice.
    pub fn finish(&mut self) {
        self.items.sort_by_cached_key(|event| (event.object(), event.last(), event.metadata.name.clone()));
        self.items.dedup_by(|a, b| {
            a.metadata.name == b.metadata.name
                && !a.metadata.name.is_empty()
                && a.metadata.namespace == b.metadata.namespace
                && a.last() == b.last()
                && a.message == b.message
        });
    }

    /// Events about one object, oldest first.
    pub fn of(&self, object: &ObjectRef) -> &[Event] {
        let start = self.items.partition_point(|event| event.cmp_object(object).is_lt());
        let rest = self.items.get(start..).unwrap_or_default();
        let length = rest.partition_point(|event| event.cmp_object(object).is_eq());
        rest.get(..length).unwrap_or_default()
    }

    /// Every event: a large cluster has tens of thousands, so never once for each object.
    pub fn iter(&self) -> std::slice::Iter<'_, Event> {
        work::go_through(self.items.len());
        self.items.iter()
    }

    /// How many events there are.
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }
}

impl<'a> IntoIterator for &'a Events {
    type Item = &'a Event;
    type IntoIter = std::slice::Iter<'a, Event>;
    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}
