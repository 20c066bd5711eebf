//! What an investigation would read, told without reading.

use super::Request;
use crate::agent;
use crate::cluster::custom::RESOURCES;

/// The first requests, and the condition for each later round.
pub fn plan(request: &Request) -> String {
    let gets = |paths: Vec<String>| paths.into_iter().map(|path| format!("  GET {path}"));
    let mut lines = Vec::new();
    let place = match request.namespaces.as_slice() {
        [] if request.triage && !request.hygiene => {
            lines.push("First, on a cluster, at once (tables without the objects):".to_owned());
            lines.extend(gets(agent::triage_paths()));
            lines.push(
                "In a large cluster the rounds below then read only the namespaces in which something \
                 stands out or that the description names; all where that proves no cause"
                    .to_owned(),
            );
            "these namespaces".to_owned()
        }
        [] => "every namespace".to_owned(),
        chosen => format!("{} and kube-system", chosen.join(", ")),
    };
    lines.push("Round 1, at once:".to_owned());
    lines.extend(gets(agent::inventory_paths(&request.namespaces)));
    lines.push(format!(
        "Round 2: the other kinds that these lead to, in {place} (StorageClasses where there are claims, and so on); \
         where the APIServices of round 1 name their group, custom resources of {}",
        families()
    ));
    lines.push(
        "Round 3: logs of containers that fail, of what the description names and of what that calls; \
         ConfigMaps in use; namespaces that these lead to"
            .to_owned(),
    );
    lines.push(format!(
        "Round 4, where no cause is proven: the rest of the kinds and of the logs, at most {} containers in all",
        request.limits.log_containers
    ));
    lines.push(format!(
        "Bounds: {} s, {} requests, {} MiB, {} at a time",
        request.limits.timeout.as_secs(),
        request.limits.max_requests,
        request.limits.max_bytes >> 20,
        request.limits.concurrency
    ));
    lines.join("\n") + "\n"
}

/// The products whose custom resources are known.
fn families() -> String {
    let mut families: Vec<&str> = RESOURCES.iter().map(|resource| resource.family).collect();
    families.dedup();
    families.join(", ")
}
