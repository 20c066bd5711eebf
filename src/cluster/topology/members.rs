//! Who belongs together, found without walking a namespace: pods and workloads by label, slices by
//! Service, children by controller.
//!
//! Positions in the state's lists, by a hash: whoever asks compares what was found.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};

use crate::cluster::object::ObjectRef;
use crate::cluster::selector::{Labels, matches_all};
use crate::cluster::state::{ClusterState, Table};
use crate::cluster::types::*;

/// The label that names a slice's Service.
const SERVICE_NAME: &str = "kubernetes.io/service-name";

/// The indexes of one state.
#[derive(Debug, Default)]
pub(super) struct Members {
    pods_by_label: Positions,
    pods_by_controller: Positions,
    workloads_by_label: Positions,
    workloads_by_controller: Positions,
    slices: Positions,
}

impl Members {
    pub(super) fn new(state: &ClusterState) -> Self {
        let mut members = Self::default();
        for (at, pod) in state.pods.iter().enumerate() {
            members.pods_by_label.add_labels(at, pod, &pod.metadata.labels);
            members.pods_by_controller.add_controller(at, pod);
        }
        for (at, workload) in state.workloads.iter().enumerate() {
            members.workloads_by_label.add_labels(at, workload, &workload.template().metadata.labels);
            members.workloads_by_controller.add_controller(at, workload);
        }
        for (at, slice) in state.endpoint_slices.iter().enumerate() {
            members.slices.add(at, &slice.metadata.namespace, service_of(slice));
        }
        members
    }

    pub(super) fn pods_matching<'a>(
        &self,
        state: &'a ClusterState,
        namespace: &str,
        wanted: &Labels,
    ) -> Vec<&'a Pod> {
        self.pods_by_label.matching(&state.pods, namespace, wanted, |pod| &pod.metadata.labels)
    }

    pub(super) fn workloads_matching<'a>(
        &self,
        state: &'a ClusterState,
        namespace: &str,
        wanted: &Labels,
    ) -> Vec<&'a Workload> {
        let labels = |workload: &'a Workload| &workload.template().metadata.labels;
        self.workloads_by_label.matching(&state.workloads, namespace, wanted, labels)
    }

    pub(super) fn slices_of<'s, 'a: 's>(
        &'s self,
        state: &'a ClusterState,
        namespace: &'s str,
        service: &'s str,
    ) -> impl Iterator<Item = &'a EndpointSlice> + use<'s, 'a> {
        let found = self.slices.at(&state.endpoint_slices, namespace, service);
        found.filter(move |slice| slice.metadata.namespace == namespace && service_of(slice) == service)
    }

    pub(super) fn pods_of<'s, 'a: 's>(
        &'s self,
        state: &'a ClusterState,
        owner: &'s ObjectRef,
    ) -> impl Iterator<Item = &'a Pod> + use<'s, 'a> {
        self.pods_by_controller.controlled(&state.pods, owner)
    }

    pub(super) fn workloads_of<'s, 'a: 's>(
        &'s self,
        state: &'a ClusterState,
        owner: &'s ObjectRef,
    ) -> impl Iterator<Item = &'a Workload> + use<'s, 'a> {
        self.workloads_by_controller.controlled(&state.workloads, owner)
    }
}

fn service_of(slice: &EndpointSlice) -> &str {
    slice.metadata.labels.get(SERVICE_NAME).map_or("", Text::as_str)
}

/// Positions in a list, by the hash of a namespace and a text.
#[derive(Debug, Default)]
struct Positions {
    hasher: RandomState,
    positions: HashMap<u64, Vec<usize>>,
}

impl Positions {
    fn hash(&self, namespace: &str, text: &str) -> u64 {
        self.hasher.hash_one((namespace, text))
    }

    fn add(&mut self, at: usize, namespace: &str, text: &str) {
        let positions = self.positions.entry(self.hash(namespace, text)).or_default();
        // Two labels may have one value.
        if positions.last() != Some(&at) {
            positions.push(at);
        }
    }

    /// By the values of labels: values tell objects apart, keys hardly ever.
    fn add_labels<T: Object>(&mut self, at: usize, object: &T, labels: &Labels) {
        for value in labels.values() {
            self.add(at, &object.meta().namespace, value);
        }
    }

    fn add_controller<T: Object>(&mut self, at: usize, object: &T) {
        if let Some(owner) = object.meta().controller() {
            self.add(at, &object.meta().namespace, &owner.name);
        }
    }

    fn found(&self, namespace: &str, text: &str) -> &[usize] {
        self.positions.get(&self.hash(namespace, text)).map_or(&[], Vec::as_slice)
    }

    fn at<'s, 'a: 's, T: Object>(
        &'s self,
        objects: &'a Table<T>,
        namespace: &str,
        text: &str,
    ) -> impl Iterator<Item = &'a T> + use<'s, 'a, T> {
        self.found(namespace, text).iter().filter_map(|at| objects.at(*at))
    }

    /// Objects with all the labels, in order; none where none are wanted.
    fn matching<'a, T: Object>(
        &self,
        objects: &'a Table<T>,
        namespace: &str,
        wanted: &Labels,
        labels: impl Fn(&'a T) -> &'a Labels,
    ) -> Vec<&'a T> {
        // The rarest of the values leaves the fewest to compare.
        let having = wanted.values().map(|value| self.found(namespace, value));
        let rarest = having.min_by_key(|positions| positions.len()).unwrap_or_default();
        let found = rarest.iter().filter_map(|at| objects.at(*at));
        found
            .filter(|object| object.meta().namespace == namespace && matches_all(wanted, labels(object)))
            .collect()
    }

    fn controlled<'s, 'a: 's, T: Object>(
        &'s self,
        objects: &'a Table<T>,
        owner: &'s ObjectRef,
    ) -> impl Iterator<Item = &'a T> + use<'s, 'a, T> {
        self.at(objects, owner.ns(), &owner.name).filter(move |object| {
            object.meta().namespace == owner.ns()
                && object.meta().controller().is_some_and(|controller| {
                    controller.kind == owner.kind.as_str() && controller.name == *owner.name
                })
        })
    }
}
