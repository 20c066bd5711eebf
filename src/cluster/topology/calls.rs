//! The calls that a pod spec configures: addresses in env, arguments and ConfigMaps.

use crate::cluster::address::{self, Address, Target};
use crate::cluster::object::{Kind, ObjectRef};
use crate::cluster::state::ClusterState;
use crate::cluster::types::*;

use super::{Call, Topology};

/// The calls of every workload and of every bare pod.
pub(super) fn collect(topology: &Topology<'_>) -> Vec<Call> {
    let state = topology.state();
    let mut calls = Vec::new();
    for workload in &state.workloads {
        // A ReplicaSet repeats its Deployment.
        if workload.kind == Kind::ReplicaSet && !workload.metadata.owner_references.is_empty() {
            continue;
        }
        collect_calls(state, &workload.object_ref(), &workload.template().spec, &mut calls);
    }
    for (object, pods) in topology.pods_by_workload().filter(|(object, _)| object.kind == Kind::Pod) {
        for pod in pods {
            collect_calls(state, object, &pod.spec, &mut calls);
        }
    }
    calls
}

fn collect_calls(state: &ClusterState, caller: &ObjectRef, spec: &PodSpec, calls: &mut Vec<Call>) {
    let namespace = caller.ns();
    let mut add = |container: &str, stated_in: String, address: Address| {
        let target = address::resolve(state, namespace, &address.host);
        // A bare word is an address only if it is one: half of all settings are single words.
        let stated = !address.scheme.is_empty() || address.port.is_some();
        if (stated || matches!(target, Target::Service(_))) && target != Target::Loopback {
            calls.push(Call {
                caller: caller.clone(),
                container: container.to_owned(),
                stated_in,
                address,
                target,
            });
        }
    };
    for container in spec.all_containers() {
        for variable in &container.env {
            let Some(value) = variable.value.as_deref().filter(|value| value.len() <= 2048) else { continue };
            let mut found = address::addresses_in(value);
            let mut stated_in = format!("env {}", variable.name);
            if let [only] = found.as_mut_slice()
                && only.port.is_none()
                && let Some((name, port)) = sibling_port(container, &variable.name)
            {
                only.port = Some(port);
                stated_in = format!("{stated_in}, {name}");
            }
            for address in found {
                add(&container.name, stated_in.clone(), address);
            }
        }
        for argument in
            container.command.iter().chain(&container.args).filter(|argument| argument.len() <= 8192)
        {
            for address in address::addresses_in(argument) {
                add(&container.name, "args".to_owned(), address);
            }
        }
        for (map, key) in config_values(container, spec) {
            let Some(config) = state.config_maps.get(namespace, map) else { continue };
            let values = config
                .data
                .iter()
                .filter(|(name, value)| key.is_none_or(|key| key == *name) && value.len() <= 65_536);
            for (name, value) in values {
                for address in address::addresses_in(value) {
                    add(&container.name, format!("ConfigMap {map} key {name}"), address);
                }
            }
        }
    }
}

/// `DB_PORT` for `DB_HOST`: its name and its number.
fn sibling_port<'c>(container: &'c Container, variable: &str) -> Option<(&'c str, u16)> {
    let stem = ["_HOST", "_HOSTNAME", "_ADDR", "_ADDRESS", "_SERVER", "_SERVICE_HOST"]
        .iter()
        .find_map(|suffix| variable.strip_suffix(suffix))?;
    let wanted = [format!("{stem}_PORT"), format!("{stem}_SERVICE_PORT")];
    let port = container.env.iter().find(|other| wanted.iter().any(|name| *name == other.name))?;
    Some((port.name.as_str(), port.value.as_deref()?.parse().ok()?))
}

/// The ConfigMaps a container reads, each with the one key it takes, if it takes one.
fn config_values<'s>(container: &'s Container, spec: &'s PodSpec) -> Vec<(&'s str, Option<&'s str>)> {
    let mut maps = Vec::new();
    for variable in &container.env {
        if let Some(key) = variable.value_from.as_ref().and_then(|source| source.config_map_key_ref.as_ref())
        {
            maps.push((key.name.as_str(), Some(key.key.as_str())));
        }
    }
    maps.extend(
        container
            .env_from
            .iter()
            .filter_map(|source| Some((source.config_map_ref.as_ref()?.name.as_str(), None))),
    );
    for mount in &container.volume_mounts {
        let volume = spec.volumes.iter().find(|volume| volume.name == mount.name);
        if let Some(map) = volume.and_then(|volume| volume.config_map.as_ref()) {
            maps.push((map.name.as_str(), None));
        }
    }
    maps.sort_unstable();
    maps.dedup();
    maps
}
